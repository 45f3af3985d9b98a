/** `receiveCast`: what somebody casts, into a folder. */
import type {
  AnnouncedCast,
  CastReceipt,
  CastReceiveProgress,
  ReceiveCastOptions,
} from "../multicast/cast/contract.ts";
import type { CastEndpoint } from "./cast-endpoint.ts";
import { ENTRIES_MAX } from "./cast-manifest.ts";
import { FilesTarget } from "./cast-target.ts";
import { checkReceiveCast } from "./check-transfer.ts";
import type { Transfer, TransferSummary } from "./events.ts";
import type { ReceiveOptions } from "./receive.ts";
import { type Emit, runTransfer } from "./running-transfer.ts";
import { Target } from "./target.ts";

export interface ReceiveCastFilesOptions
  extends Omit<ReceiveOptions, "stream">,
    Pick<ReceiveCastOptions, "timeoutMs"> {
  /** Called with what the network brings, at most ten times a second. */
  readonly onProgress?: (progress: CastReceiveProgress) => void;
  /** Called with how the cast came, before `done` settles. */
  readonly onReceipt?: (receipt: CastReceipt) => void;
}

/**
 * Receives a cast of files. Nothing is ever written outside `directory`; what is unfinished waits in
 * `directory/.mp2p` for the next attempt, whoever of both sides was interrupted.
 *
 * @param from - the ticket its sender printed, or a cast heard on this network
 * @throws {Mp2pError} by `done`: `MP2P_REFUSED` where `accept` said no, `MP2P_NOT_ALLOWED` where the
 *   sender did, `MP2P_USAGE` for a stream, `MP2P_DISK_FULL`, `MP2P_TARGET`, `MP2P_PROTOCOL`,
 *   `MP2P_CLOSED` where the sender ended early
 * @throws {TypeError} at once, for what is no folder or no option, or cannot be meant
 */
export function receiveCast(
  endpoint: CastEndpoint,
  from: string | AnnouncedCast,
  directory: string,
  options: ReceiveCastFilesOptions = {},
): Transfer {
  checkReceiveCast(directory, options);
  return runTransfer((emit) => receive(endpoint, from, directory, options, emit));
}

async function receive(
  endpoint: CastEndpoint,
  from: string | AnnouncedCast,
  directory: string,
  options: ReceiveCastFilesOptions,
  emit: Emit,
): Promise<TransferSummary> {
  options.signal?.throwIfAborted();
  const target = await Target.open(directory);
  const ended = new AbortController();
  const files = filesTarget(endpoint, target, options, emit, (error) => ended.abort(error));
  const { signal, timeoutMs, onProgress, onReceipt } = options;
  let receipt: CastReceipt | undefined;
  try {
    receipt = await endpoint.receiveCast(from, files, {
      signal: signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    onReceipt?.(receipt);
  } catch (error) {
    // All that could be placed is: single files that were refused are in the summary.
    if (!files.isPlaced || options.rejectPartial) throw files.own(error);
  } finally {
    await files.close().finally(() => target.close());
  }
  const summary = files.tally.summary();
  // The tally knows when the offer was taken, the receipt when the sender began.
  return receipt === undefined ? summary : { ...summary, seconds: receipt.seconds };
}

function filesTarget(
  endpoint: CastEndpoint,
  target: Target,
  options: ReceiveCastFilesOptions,
  emit: Emit,
  end: (error: unknown) => void,
): FilesTarget {
  const { accept = "all", onConflict = "rename", durable = false, portable, limits } = options;
  const { entries = ENTRIES_MAX, bytes = Number.MAX_SAFE_INTEGER } = limits ?? {};
  const settings = { accept, onConflict, durable, portable, limits: { entries, bytes } };
  return new FilesTarget({ ...settings, blake3: endpoint.blake3, target, emit, end });
}
