/** `receiveFiles`: what the peer of a session sends, into a folder. */
import type { Duplex } from "node:stream";
import { abortable } from "../base/abort.ts";
import { Mp2pError } from "../base/errors.ts";
import { breakOff, CLOSED_HINT } from "./channel.ts";
import { checkReceive } from "./check-transfer.ts";
import type { Offer, Transfer, TransferSummary } from "./events.ts";
import type { Conflict } from "./place.ts";
import { Receiver } from "./receiver.ts";
import { type Emit, runTransfer } from "./running-transfer.ts";
import { partialError } from "./send.ts";
import { TRANSFER_SERVICE, type TransferSession } from "./session.ts";
import type { Existing } from "./survey.ts";
import { Target } from "./target.ts";

/** An offer of a million entries takes about half a gigabyte of memory to look at. */
const MOST_ENTRIES = 1_000_000;

export interface ReceiveOptions {
  /** Ends the transfer; what is here is kept, and the same transfer resumes. */
  readonly signal?: AbortSignal;
  /** Whether to take an offer; where it throws, the transfer fails with that. Default: all. */
  readonly accept?: "all" | ((offer: Offer) => boolean | Promise<boolean>);
  /**
   * What becomes of a file whose name is taken by one of other size or time. Default: rename, so
   * nothing is lost; `overwrite` never replaces a folder.
   */
  readonly onConflict?: Conflict | ((existing: Existing) => Conflict | Promise<Conflict>);
  /** Sync each file to the disk before it gets its name. */
  readonly durable?: boolean;
  /** True: also refuse names some other system could not hold; false: allow all that this one can. */
  readonly portable?: boolean;
  /**
   * Offers beyond are refused. Folders that only paths name are entries too, and all names together have at most 256
   * UTF-16 units an entry.
   */
  readonly limits?: { readonly entries?: number; readonly bytes?: number };
  /** Reject with `MP2P_PARTIAL` where single files failed. */
  readonly rejectPartial?: boolean;
  /** A stream of the service `transfer/1` that the caller took from the session already. */
  readonly stream?: Duplex;
}

/**
 * Receives the next transfer of a session. Nothing is ever written outside `directory`; what is
 * unfinished waits in `directory/.mp2p` for the next attempt.
 *
 * @throws {Mp2pError} by `done`: `MP2P_REFUSED` where `accept` said no, `MP2P_DISK_FULL`,
 *   `MP2P_TARGET`, `MP2P_LIMIT`, `MP2P_PROTOCOL`; where the session ended, why it did
 * @throws {TypeError} at once, for what is no folder or no option, or cannot be meant
 */
export function receiveFiles(
  session: TransferSession,
  directory: string,
  options: ReceiveOptions = {},
): Transfer {
  checkReceive(session, directory, options);
  return runTransfer((emit) => receive(session, directory, options, emit));
}

async function receive(
  session: TransferSession,
  directory: string,
  options: ReceiveOptions,
  emit: Emit,
): Promise<TransferSummary> {
  options.signal?.throwIfAborted();
  const stream = options.stream ?? (await offered(session, directory, options.signal));
  const target = await openFor(stream, directory);
  try {
    const { accept = "all", onConflict = "rename", durable = false, portable, limits } = options;
    const { entries = MOST_ENTRIES, bytes = Number.MAX_SAFE_INTEGER } = limits ?? {};
    const settings = { accept, onConflict, durable, portable, limits: { entries, bytes } };
    const receiver = new Receiver(session, settings, emit);
    await receiver.run(stream, target, options.signal);
    const summary = receiver.tally.summary();
    if (summary.partial && options.rejectPartial) throw partialError(summary);
    return summary;
  } finally {
    await target.close();
  }
}

/** Waits for an offer. A folder that cannot be had is told before; held it is not, it may be moved meanwhile. */
async function offered(
  session: TransferSession,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<Duplex> {
  const target = await Target.open(directory);
  await target.close();
  return nextStream(session, signal);
}

/** The folder as it is now. Where it cannot be had, the peer is told, though not where it is. */
async function openFor(stream: Duplex, directory: string): Promise<Target> {
  // One that breaks before the transfer listens, which is this turn, is looked at then.
  const ignore = (): void => undefined;
  stream.on("error", ignore);
  try {
    const target = await Target.open(directory);
    stream.off("error", ignore);
    return target;
  } catch (error) {
    const { code } = error as Mp2pError;
    breakOff(stream, { code, why: "it cannot open its folder" });
    throw error;
  }
}

async function nextStream(
  session: TransferSession,
  signal: AbortSignal | undefined,
): Promise<Duplex> {
  signal?.throwIfAborted();
  const options = signal === undefined ? {} : { signal };
  const streams = session.streams(TRANSFER_SERVICE, options)[Symbol.asyncIterator]();
  const result = await abortable(streams.next(), signal);
  if (!result.done) return result.value;
  signal?.throwIfAborted();
  throw await endOf(session);
}

/** Why there is no transfer: the session's own reason, where it has one. */
async function endOf({ closed }: TransferSession): Promise<Mp2pError> {
  const reason: unknown = await Promise.race([closed, undefined]);
  const { code, message, hint } = Object(reason) as Partial<Mp2pError>;
  if (code === undefined || message === undefined || code === "MP2P_CLOSED") {
    const plain = "the session ended before a transfer began";
    return new Mp2pError("MP2P_CLOSED", plain, { hint: CLOSED_HINT });
  }
  return new Mp2pError(code, message, hint === undefined ? {} : { hint });
}
