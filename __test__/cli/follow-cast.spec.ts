/** What a cast's progress is to the command: who is still waited for. */
import test from "ava";
import type { Context } from "../../src/cli/context.ts";
import type { CliEventBody } from "../../src/cli/events.ts";
import { type FollowedCast, followCast } from "../../src/cli/follow-cast.ts";

const PROGRESS = {
  bytes: 0,
  total: 9,
  receivers: 2,
  complete: 0,
  slowest: 0,
  median: 0,
  rate: 1,
  wireBytes: 0,
};
const REPORT = { bytes: 9, seconds: 1, wireBytes: 9, receivers: [] };

test("two inboxes of one key are one of those that a cast waits for", async (t) => {
  const receiver = (seed: number) => ({
    key: new Uint8Array(32).fill(seed),
    state: "receiving" as const,
    bytes: 0,
    seconds: 0,
    lossRate: 0,
    path: "multicast" as const,
    why: undefined,
    absence: undefined,
  });
  let receivers = [receiver(1), receiver(1)];
  const casting: FollowedCast = {
    done: Promise.resolve(REPORT),
    progress: () => PROGRESS,
    receivers: () => receivers,
    async *[Symbol.asyncIterator]() {
      yield PROGRESS;
      receivers = [receiver(1), receiver(2)];
      yield PROGRESS;
    },
  };
  const told: CliEventBody[] = [];
  const reporter = {
    emit: (event: CliEventBody) => told.push(event),
    follow: () => () => undefined,
  };
  t.is(await followCast(casting, 2, { reporter, now: () => 0 } as unknown as Context), REPORT);
  t.deepEqual(
    told.map((event) => "awaited" in event && event.awaited),
    [1, 0],
  );
});
