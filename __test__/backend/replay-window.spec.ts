import test from "ava";
import fc from "fast-check";
import { REPLAY_WINDOW_PACKETS, ReplayWindow } from "../../src/backend/fallback/replay-window.ts";
import { runs } from "../support/runs.ts";

/** What the window stands for: every number ever accepted, and the highest. */
class Reference {
  readonly #seen = new Set<number>();
  #highest = -1;

  isFresh(packet: number): boolean {
    return !this.#seen.has(packet) && this.#highest - packet < REPLAY_WINDOW_PACKETS;
  }

  accept(packet: number): void {
    this.#seen.add(packet);
    this.#highest = Math.max(this.#highest, packet);
  }
}

/** Steps relative to the highest number so far, with weight on the edges of words, ring and window. */
const STEPS = fc.oneof(
  fc.integer({ min: -70, max: 70 }),
  fc.integer({ min: -66_000, max: 66_000 }),
  fc.constantFrom(
    31,
    32,
    33,
    1_024,
    4_096,
    65_471,
    65_472,
    65_473,
    65_535,
    65_536,
    65_537,
    200_000,
  ),
  fc.constantFrom(-31, -32, -33, -65_471, -65_472, -65_473, -65_503, -65_504, -65_535, -65_536),
);

test("the window accepts what a set of all numbers seen would, down to 65,472 behind the highest", (t) => {
  const starts = fc.constantFrom(0, 5, 1_000, 2 ** 31, 2 ** 32 - 3, 2 ** 47);
  const property = fc.property(starts, fc.array(STEPS, { maxLength: 200 }), (start, steps) => {
    const [window, reference] = [new ReplayWindow(), new Reference()];
    let highest = start;
    for (const step of [0, ...steps]) {
      const packet = Math.max(0, highest + step);
      t.is(
        window.isFresh(packet),
        reference.isFresh(packet),
        `packet ${packet}, highest ${highest}`,
      );
      if (!window.isFresh(packet)) continue;
      window.accept(packet);
      reference.accept(packet);
      highest = Math.max(highest, packet);
    }
  });
  fc.assert(property, { numRuns: runs(200) });
});

test("every number of a window's length is remembered exactly", (t) => {
  const window = new ReplayWindow();
  for (let packet = 0; packet < 200_000; packet += 2) window.accept(packet);
  let wrong = 0;
  for (let packet = 199_999 - REPLAY_WINDOW_PACKETS; packet < 200_000; packet++) {
    const isInside = 199_998 - packet < REPLAY_WINDOW_PACKETS;
    if (window.isFresh(packet) !== (isInside && packet % 2 === 1)) wrong++;
  }
  t.is(wrong, 0);
});

test("an idle session's window has 128 bytes and a busy one's 8 KiB", (t) => {
  const window = new ReplayWindow();
  for (let packet = 0; packet < 1_024; packet++) window.accept(packet);
  t.is(window.bytes, 128);
  window.accept(1_024);
  t.is(window.bytes, 256);
  window.accept(2 ** 40);
  t.is(window.bytes, 8_192);
});
