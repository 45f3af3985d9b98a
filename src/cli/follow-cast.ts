/** A cast's progress as the command's events. */
import {
  type CastProgress,
  type CastReport,
  type FileCast,
  formatKey,
  type ReceiverState,
} from "../index.ts";
import { Absences } from "./absences.ts";
import type { Context } from "./context.ts";
import type { CastProgressEvent } from "./events.ts";
import { StallWatch } from "./motion.ts";
import type { ReceiverLine } from "./progress-line.ts";
import { RateMeter } from "./rate-meter.ts";

export type FollowedCast = Pick<
  FileCast,
  "done" | "progress" | "receivers" | typeof Symbol.asyncIterator
>;

const HERE: readonly ReceiverState[] = ["receiving", "catch-up", "complete"];

/**
 * @param minReceivers - that it waits for before it begins
 * @returns what became of it; throws what it failed with
 */
export async function followCast(
  casting: FollowedCast,
  minReceivers: number,
  { reporter, now }: Context,
): Promise<CastReport> {
  const meter = new RateMeter();
  const stalled = (seconds: number) => reporter.emit({ t: "stalled", seconds, path: "multicast" });
  using watch = new StallWatch(stalled, now);
  const absences = new Absences(
    () => casting.receivers(),
    (event) => reporter.emit(event),
  );
  const over = reporter.follow(() => receiverLines(casting));
  let waiting = "";
  try {
    for await (const progress of casting) {
      absences.look(now());
      meter.add(now(), progress.slowest);
      // What is live goes no faster than it comes, whatever the network would take.
      const rate = progress.total === undefined ? meter.rate : progress.rate;
      const awaited = progress.bytes > 0 ? 0 : Math.max(0, minReceivers - present(casting));
      const { slowest: confirmed, receivers } = progress;
      watch.update({ confirmed, receivers, awaited });
      const before = waiting;
      waiting = awaited > 0 ? `${awaited} ${receivers}` : "";
      // Nothing moves yet, so only who comes and goes is news.
      if (waiting === "" || waiting !== before)
        reporter.emit(progressEvent({ ...progress, rate }, awaited));
    }
    return await casting.done;
  } finally {
    over();
  }
}

/** As the cast counts them: each key once. */
function present(casting: FollowedCast): number {
  const here = casting.receivers().filter(({ state }) => HERE.includes(state));
  return new Set(here.map(({ key }) => formatKey(key))).size;
}

function receiverLines(casting: FollowedCast): ReceiverLine[] {
  const total = casting.progress().total ?? null;
  return casting.receivers().map(({ key, state, bytes, path, absence }) => {
    return { peer: formatKey(key), state, bytes, total, path, absence };
  });
}

function progressEvent(progress: CastProgress, awaited: number): CastProgressEvent {
  const { bytes, slowest, median, total, receivers, complete, rate } = progress;
  const left = total === undefined ? undefined : total - slowest;
  return {
    t: "progress",
    bytes,
    confirmed: slowest,
    median,
    total: total ?? null,
    receivers,
    complete,
    awaited,
    rate,
    etaSeconds: left === undefined || rate <= 0 ? null : left / rate,
    path: "multicast",
  };
}
