/** A cast's progress as the command's events. */
import type { CastProgress, CastReport, FileCast } from "../index.ts";
import type { Context } from "./context.ts";
import { plural } from "./text.ts";

/** @returns what became of it; throws what it failed with */
export async function followCast(
  casting: Pick<FileCast, "done" | typeof Symbol.asyncIterator>,
  { reporter }: Context,
): Promise<CastReport> {
  let receivers = 0;
  for await (const progress of casting) {
    if (progress.receivers !== receivers) {
      reporter.detail(`${plural(progress.receivers, "receiver")} joined`);
      receivers = progress.receivers;
    }
    if (receivers > 0) reporter.emit(progressEvent(progress));
  }
  return await casting.done;
}

function progressEvent(progress: CastProgress): Parameters<Context["reporter"]["emit"]>[0] {
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
    rate,
    etaSeconds: left === undefined || rate <= 0 ? null : left / rate,
    path: "multicast",
  };
}
