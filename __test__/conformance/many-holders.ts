/** Slots of casts and groups: whoever receives has the key, and nobody's numbers stand in another's way. */
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { runs } from "../support/runs.ts";
import { keysOf, type Load, type Opened, open, Wire } from "./harness.ts";
import { packet } from "./packets.ts";
import { RECEIVE_SLOT } from "./pair.ts";

const WINDOW = 65_472;
const WINDOWS = 8;
const SOURCES = 10;
const KEYS = keysOf(3);
const FAR = 2 ** 40;

/** docs/PROTOCOL.md, "DATA", word by word. */
class Model {
  /** The one used last comes last. */
  #windows: { readonly source: number; readonly seen: Set<number>; highest: number }[] = [];

  accepts(source: number, number: number): boolean {
    const own = this.#windows.filter((window) => window.source === source).reverse();
    const near = own.filter(({ highest }) => Math.abs(number - highest) < WINDOW);
    near.sort((a, b) => Math.abs(number - a.highest) - Math.abs(number - b.highest));
    const window = near[0] ?? { source, seen: new Set<number>(), highest: number };
    if (window.seen.has(number)) return false;
    this.#windows = this.#windows.filter((other) => other !== window).concat(window);
    if (this.#windows.length > WINDOWS) this.#windows.shift();
    window.seen.add(number);
    window.highest = Math.max(window.highest, number);
    return true;
  }
}

/** A slot that many hold the keys of, and sources that do. */
async function openSlot(t: ExecutionContext, load: Load) {
  const to = await open(t, load);
  to.socket.installReceive(RECEIVE_SLOT, KEYS, true);
  const sources: Wire[] = [];
  for (let each = 0; each < SOURCES; each++) sources.push(await Wire.bind(t));
  const send = async (source: number, number: number) => {
    const bytes = packet(KEYS, number, Uint8Array.of(1, source));
    await (sources[source] as Wire).send(bytes, to.address);
  };
  return { to, send };
}

async function untilReceived({ socket }: Opened, packets: number): Promise<void> {
  while (socket.counters().packetsReceived < packets) await new Promise(setImmediate);
}

/** Source and number of each packet that came in. */
function taken({ recorder }: Opened): readonly string[] {
  return recorder.rows.map((row) => `${row.bytes[1]}: ${row.packet}`);
}

export function manyHoldersConformance(name: string, load: Load): void {
  test(`${name}: where many hold a key, nobody's numbers make another's too old`, async (t) => {
    const { to, send } = await openSlot(t, load);
    const steps: readonly (readonly [source: number, number: number])[] = [
      [0, 5],
      [1, FAR],
      [0, 6],
      [1, FAR],
      // A forged address does not help either.
      [0, FAR],
      [0, 7],
      [0, 6],
      [0, FAR],
      [1, FAR + WINDOW],
      [0, 8],
    ];
    for (const [source, number] of steps) await send(source, number);
    await untilReceived(to, steps.length);
    await to.recorder.untilPackets(7);
    const far = [`1: ${FAR}`, `0: ${FAR}`, `1: ${FAR + WINDOW}`];
    t.deepEqual(taken(to), ["0: 5", far[0], "0: 6", far[1], "0: 7", far[2], "0: 8"]);
    t.is(to.socket.counters().droppedReplayed, 3);
  });

  test(`${name}: where only the peer holds a key, its numbers count from wherever they come`, async (t) => {
    const { to, send } = await openSlot(t, load);
    to.socket.installReceive(RECEIVE_SLOT, KEYS);
    for (const source of [0, 1, 2]) await send(source, 9);
    await send(1, FAR);
    await send(0, 10);
    await send(0, FAR + 1);
    await to.recorder.untilPackets(3);
    t.deepEqual(taken(to), ["0: 9", `1: ${FAR}`, `0: ${FAR + 1}`]);
    t.is(to.socket.counters().droppedReplayed, 3);
  });

  test(`${name}: a forged packet from elsewhere takes no room from those who speak`, async (t) => {
    const { to, send } = await openSlot(t, load);
    await send(0, 9);
    const forger = await Wire.bind(t);
    const forged = packet(KEYS, 10, Uint8Array.of(1, 1));
    forged[20] = (forged[20] as number) ^ 1;
    for (let each = 0; each < 3 * WINDOWS; each++) {
      const number = FAR + each * 2 * WINDOW;
      Buffer.from(forged.buffer).writeUIntBE(number, 9, 6);
      await forger.send(forged, to.address);
    }
    await send(0, 9);
    await untilReceived(to, 3 * WINDOWS + 2);
    t.is(to.socket.counters().droppedForged, 3 * WINDOWS);
    t.is(to.socket.counters().droppedReplayed, 1);
  });

  const property = "any numbers from any sources are taken as eight windows would have it";
  test(`${name}: where many hold a key, ${property}`, async (t) => {
    const { to, send } = await openSlot(t, load);
    const steps = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -5, max: 5 }) },
      { weight: 2, arbitrary: fc.integer({ min: -70_000, max: 70_000 }) },
      { weight: 1, arbitrary: fc.constantFrom(WINDOW - 1, WINDOW, -WINDOW + 1, -WINDOW, FAR) },
    );
    const packets = fc.array(fc.tuple(fc.nat(SOURCES - 1), steps), { maxLength: 60, size: "max" });
    let received = 0;
    await fc.assert(
      fc.asyncProperty(packets, async (all) => {
        to.socket.installReceive(RECEIVE_SLOT, KEYS, true);
        to.recorder.rows.length = 0;
        const model = new Model();
        const expected: string[] = [];
        let at = 2 ** 20;
        for (const [source, step] of all) {
          at = Math.max(0, at + step) % 2 ** 47;
          if (model.accepts(source, at)) expected.push(`${source}: ${at}`);
          await send(source, at);
        }
        received += all.length;
        await untilReceived(to, received);
        await to.recorder.untilPackets(expected.length);
        t.deepEqual(taken(to), expected);
      }),
      { numRuns: runs(20) },
    );
  });
}
