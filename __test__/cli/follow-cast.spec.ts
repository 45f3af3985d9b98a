/** What a cast's progress is to the command: who is still waited for. */
import test from "ava";
import type { Context } from "../../src/cli/context.ts";
import type { CliEventBody } from "../../src/cli/events.ts";
import { type FollowedCast, followCast } from "../../src/cli/follow-cast.ts";
import { formatKey, type ReceiverStatus } from "../../src/index.ts";
import { castReceiver } from "./cast-receiver.ts";

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
  let receivers = [castReceiver(1), castReceiver(1)];
  const casting: FollowedCast = {
    done: Promise.resolve(REPORT),
    progress: () => PROGRESS,
    receivers: () => receivers,
    async *[Symbol.asyncIterator]() {
      yield PROGRESS;
      receivers = [castReceiver(1), castReceiver(2)];
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

test("a receiver that is away is told once, and once more when it is back, not when it is lost", async (t) => {
  const absence = (seconds: number) => ({ absence: { seconds, leftSeconds: 60 - seconds } });
  // What a cast says of its receivers, a second apart.
  const seen: readonly (readonly ReceiverStatus[])[] = [
    [castReceiver(1), castReceiver(2)],
    [castReceiver(1, absence(10)), castReceiver(2)],
    [castReceiver(1, absence(11)), castReceiver(2, absence(10))],
    [castReceiver(1), castReceiver(2, absence(11))],
    [castReceiver(1, { state: "complete" }), castReceiver(2, { state: "lost" })],
    // Interrupted, and started anew.
    [castReceiver(3, { state: "declined", ...absence(2) })],
    [castReceiver(3, { state: "joining" })],
    // One of two with one key comes back.
    [castReceiver(4, absence(10)), castReceiver(4)],
    [castReceiver(4), castReceiver(4)],
    [castReceiver(4, absence(10)), castReceiver(4)],
    [castReceiver(4)],
  ];
  let second = 0;
  const casting: FollowedCast = {
    done: Promise.resolve(REPORT),
    progress: () => PROGRESS,
    receivers: () => seen[second] ?? [],
    async *[Symbol.asyncIterator]() {
      for (; second < seen.length; second++) yield { ...PROGRESS, bytes: 1 };
    },
  };
  const told: unknown[] = [];
  const reporter = {
    emit: (event: CliEventBody) => {
      if (event.t === "absent") told.push([second, event.peer, event.seconds, event.leftSeconds]);
    },
    follow: () => () => undefined,
  };
  await followCast(casting, 1, { reporter, now: () => second * 1000 } as unknown as Context);
  const key = (seed: number) => formatKey(castReceiver(seed).key);
  t.deepEqual(told, [
    [1, key(1), 10, 50],
    [2, key(2), 10, 50],
    [3, key(1), 0, 0],
    [5, key(3), 2, 58],
    [6, key(3), 0, 0],
    [7, key(4), 10, 50],
    [8, key(4), 0, 0],
    [9, key(4), 10, 50],
  ]);
});
