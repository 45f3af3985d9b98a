/** A transfer's events as the command's events, and its end as the command's end. */
import type { Session, Transfer, TransferEvent, TransferSummary } from "../index.ts";
import type { DoneEvent, ProgressEvent } from "./events.ts";
import { CliError } from "./failure.ts";
import { RateMeter } from "./rate-meter.ts";
import type { Reporter } from "./reporter.ts";
import { plural } from "./text.ts";

/** Progress is told at most this often; the last of it always. */
const PROGRESS_INTERVAL_MS = 100;

type TransferProgress = Extract<TransferEvent, { type: "progress" }>;

export interface Following {
  readonly session: Session;
  readonly reporter: Reporter;
  /** Milliseconds, from any origin. */
  readonly now: () => number;
  /** UDP payload of the endpoint so far, in the direction of the files. */
  readonly wireBytes: () => number;
}

/**
 * Reports until the transfer is over.
 *
 * @returns the event that closes a complete transfer; not yet emitted
 * @throws what the transfer failed with; for files that did not make it `MP2P_PARTIAL`, or their own
 * code where nothing arrived and all failed alike
 */
export async function followTransfer(
  transfer: Transfer,
  { session, reporter, now, wireBytes }: Following,
): Promise<DoneEvent> {
  const wireBytesBefore = wireBytes();
  const peer = session.peer.keyText;
  const meter = new RateMeter();
  let toldAtMs = Number.NEGATIVE_INFINITY;
  for await (const event of transfer) {
    switch (event.type) {
      case "offer":
        reporter.emit({ t: "offer", peer, files: event.files, bytes: event.bytes });
        break;
      case "accept":
        reporter.emit({ t: "accept", peer, files: event.files, resumeBytes: event.resumeBytes });
        break;
      case "progress": {
        const isLast = event.confirmed === event.total;
        if (!isLast && now() - toldAtMs < PROGRESS_INTERVAL_MS) break;
        toldAtMs = now();
        meter.add(toldAtMs, event.confirmed);
        reporter.emit(progressEvent(event, session, meter.rate));
        break;
      }
      case "file": {
        const { type: _, code: _code, ...fields } = event;
        reporter.emit({ t: "file", ...fields });
        break;
      }
      case "done":
        break;
    }
  }
  return doneEvent(await transfer.done, session, wireBytes() - wireBytesBefore);
}

/** Reports the path a session has, and each change of it. */
export function followPath(session: Session, reporter: Reporter): void {
  const report = () => {
    const { kind, rttMs, why } = session.path;
    reporter.emit({ t: "path", peer: session.peer.keyText, path: kind, rttMs, why });
  };
  report();
  session.on("path", report);
}

function progressEvent(event: TransferProgress, session: Session, rate: number): ProgressEvent {
  const { bytes, confirmed, total, files, filesTotal } = event;
  const { kind, rttMs } = session.path;
  return {
    t: "progress",
    peer: session.peer.keyText,
    bytes,
    confirmed,
    total,
    files,
    filesTotal,
    rate,
    etaSeconds: rate > 0 ? (total - confirmed) / rate : null,
    path: kind,
    rttMs,
  };
}

function doneEvent(summary: TransferSummary, session: Session, wireBytes: number): DoneEvent {
  if (summary.partial) throw partialError(summary);
  const { bytes, files, skipped, seconds, resumedBytes } = summary;
  return {
    t: "done",
    peer: session.peer.keyText,
    bytes,
    files,
    skipped,
    seconds,
    path: session.path.kind,
    resumedBytes,
    wireBytes,
  };
}

function partialError({ files, failed }: TransferSummary): CliError {
  const [first] = failed;
  const isAlike = failed.every(({ code }) => code === first?.code);
  if (first !== undefined && files === 0 && isAlike) {
    const more = failed.length > 1 ? ` (and ${failed.length - 1} more like it)` : "";
    return new CliError(first.code, `${first.name}: ${first.why}${more}`);
  }
  const message = `${plural(failed.length, "file")} of ${files + failed.length} did not make it`;
  return new CliError(
    "MP2P_PARTIAL",
    message,
    "see the files marked refused, then run the same command again",
  );
}
