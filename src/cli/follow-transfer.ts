/** A transfer's events as the command's events, and its end as the command's end. */
import type { Session, Transfer, TransferEvent, TransferSummary } from "../index.ts";
import type { DoneEvent, ProgressEvent } from "./events.ts";
import { CliError, codeOf } from "./failure.ts";
import { StallWatch } from "./motion.ts";
import { RateMeter } from "./rate-meter.ts";
import type { Reporter } from "./reporter.ts";
import { plural } from "./text.ts";
import { atMost } from "./waiting.ts";

/** Progress is told at most this often; the last of it always. */
const PROGRESS_INTERVAL_MS = 100;

type TransferProgress = Extract<TransferEvent, { type: "progress" }>;

export interface Following {
  readonly session: Session;
  readonly reporter: Reporter;
  /** Milliseconds, from any origin. */
  readonly now: () => number;
  /** UDP payload in the direction of the files, all attempts of this command included. */
  readonly wireBytes: () => number;
}

/**
 * Reports until the transfer is over.
 *
 * @returns the event that closes a complete transfer; not yet emitted
 * @throws what the transfer failed with; for files that did not make it `MP2P_PARTIAL`, or their own
 * code where nothing arrived and all failed alike; where the session ended, why it did
 */
export async function followTransfer(transfer: Transfer, following: Following): Promise<DoneEvent> {
  const { session, reporter, now, wireBytes } = following;
  const view = () => {
    const { kind, rttMs } = session.path;
    return { peer: session.peer.keyText, path: kind, rttMs };
  };
  using teller = new Teller(view, reporter, now);
  try {
    for await (const event of transfer) teller.tell(event);
    return doneEvent(await transfer.done, session, wireBytes());
  } catch (error) {
    if (codeOf(error) !== "MP2P_CLOSED") throw error;
    const reason = await atMost(session.closed, 0);
    if (reason === undefined || reason.code === "MP2P_CLOSED") throw error;
    throw new CliError(reason.code, reason.message, reason.hint);
  }
}

/** Whose transfer it is, and how it comes. */
export type TransferView = Pick<ProgressEvent, "peer" | "path" | "rttMs">;

/** Says what the events of one transfer say, progress not too often, and when there is none. */
export class Teller implements Disposable {
  readonly #view: () => TransferView;
  readonly #reporter: Reporter;
  readonly #now: () => number;
  readonly #meter = new RateMeter();
  readonly #watch: StallWatch;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(view: () => TransferView, reporter: Reporter, now: () => number) {
    this.#view = view;
    this.#reporter = reporter;
    this.#now = now;
    this.#watch = new StallWatch((seconds) => this.#stalled(seconds), now);
  }

  tell(event: TransferEvent): void {
    switch (event.type) {
      case "offer": {
        const { peer } = this.#view();
        this.#reporter.emit({ t: "offer", peer, files: event.files, bytes: event.bytes });
        break;
      }
      case "accept": {
        const { files, resumeBytes } = event;
        const { peer } = this.#view();
        this.#reporter.emit({ t: "accept", peer, files, resumeBytes });
        this.#watch.update({ confirmed: resumeBytes, files: 0 });
        break;
      }
      case "progress":
        this.#progress(event);
        break;
      case "file": {
        const { type: _, code: _code, ...fields } = event;
        this.#reporter.emit({ t: "file", ...fields });
        break;
      }
      case "done":
        break;
    }
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  #stalled(seconds: number): void {
    const { peer, path } = this.#view();
    this.#reporter.emit({ t: "stalled", peer, seconds, path });
  }

  #progress(event: TransferProgress): void {
    this.#watch.update(event);
    const isLast = event.confirmed === event.total;
    if (!isLast && this.#now() - this.#toldAtMs < PROGRESS_INTERVAL_MS) return;
    this.#toldAtMs = this.#now();
    this.#meter.add(this.#toldAtMs, event.confirmed);
    this.#reporter.emit(progressEvent(event, this.#view(), this.#meter.rate));
  }
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

function progressEvent(event: TransferProgress, view: TransferView, rate: number): ProgressEvent {
  const { bytes, confirmed, total, files, filesTotal } = event;
  const etaSeconds = rate > 0 ? (total - confirmed) / rate : null;
  const { peer, ...path } = view;
  return {
    t: "progress",
    peer,
    bytes,
    confirmed,
    total,
    files,
    filesTotal,
    rate,
    etaSeconds,
    ...path,
  };
}

function doneEvent(summary: TransferSummary, session: Session, wireBytes: number): DoneEvent {
  if (summary.partial) throw partialError(summary);
  const { bytes, files, skipped, seconds, resumedBytes, payloadBytes } = summary;
  return {
    t: "done",
    peer: session.peer.keyText,
    bytes,
    files,
    skipped,
    seconds,
    path: session.path.kind,
    resumedBytes,
    payloadBytes,
    wireBytes,
  };
}

export function partialError({ files, failed }: TransferSummary): CliError {
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
