/** `sendFiles`: files and folders to the peer of a session. */
import { access, constants, rm } from "node:fs/promises";
import { Mp2pError } from "../base/errors.ts";
import { makeWithParents } from "../endpoint/make-with-parents.ts";
import { checkSend } from "./check-transfer.ts";
import type { Transfer, TransferSummary } from "./events.ts";
import { fileError } from "./file-error.ts";
import { deriveTransferId } from "./hashes.ts";
import { type Emit, runTransfer } from "./running-transfer.ts";
import { senderJournalFolder } from "./send-large.ts";
import { Sender } from "./sender.ts";
import type { TransferSession } from "./session.ts";
import { sourceRoots } from "./source-tree.ts";

export interface SendOptions {
  /** Ends the transfer; what the receiver has is kept, and the same call resumes. */
  readonly signal?: AbortSignal;
  /** 16 bytes; by default the same for the same absolute paths and peer. */
  readonly transferId?: Uint8Array;
  /**
   * Folder for unit hashes, made where missing, so that a resumed transfer need not read again what was sent. When
   * its disk is full later on the transfer goes on without.
   */
  readonly journal?: string;
  /** Refuse names that some other system could not hold. */
  readonly portable?: boolean;
  /** Reject with `MP2P_PARTIAL` where single files failed. */
  readonly rejectPartial?: boolean;
}

/**
 * Offers files and folders to the peer and sends what it accepts. Single files that fail are reported
 * and do not end the transfer.
 *
 * @param paths - files and folders; each arrives under its own last name
 * @throws {Mp2pError} by `done`: `MP2P_REFUSED` where the receiver declines, `MP2P_SOURCE` where a path
 *   is missing, `MP2P_DISK_FULL` where the receiver has no room, `MP2P_CLOSED` where the session ended,
 *   `MP2P_PERMISSION` or `MP2P_TARGET` where the folder for the journal cannot be written
 * @throws {TypeError} at once, for what is no session or no option, or cannot be meant
 */
export function sendFiles(
  session: TransferSession,
  paths: readonly string[],
  options: SendOptions = {},
): Transfer {
  checkSend(session, options);
  return runTransfer((emit) => send(session, paths, options, emit));
}

async function send(
  session: TransferSession,
  paths: readonly string[],
  options: SendOptions,
  emit: Emit,
): Promise<TransferSummary> {
  options.signal?.throwIfAborted();
  const roots = await sourceRoots(paths);
  const files = roots.map((root) => root.file);
  const transferId =
    options.transferId ?? deriveTransferId(session.blake3, session.peer.key, files);
  if (options.journal !== undefined) await requireJournals(options.journal);
  const settings = { transferId, journal: options.journal, portable: options.portable };
  const sender = new Sender(session, settings, emit);
  await sender.run(roots, options.signal);
  const summary = sender.tally.summary();
  return finished(summary, senderJournalFolder(settings), options);
}

/** Before anything is offered: it is no fault of the files. */
async function requireJournals(folder: string): Promise<void> {
  try {
    await makeWithParents(folder, 0o700);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const hint = "Let `journal` name a folder you can write to, or leave it out.";
    throw fileError(error, "MP2P_TARGET", "keep a journal in", folder, hint);
  }
}

async function finished(
  summary: TransferSummary,
  journal: string | undefined,
  options: SendOptions,
): Promise<TransferSummary> {
  // One that stays is no harm: it counts for as long as the files are as they were.
  if (!summary.partial && journal !== undefined)
    await rm(journal, { recursive: true, force: true }).catch(() => undefined);
  if (summary.partial && options.rejectPartial) throw partialError(summary);
  return summary;
}

export function partialError(summary: TransferSummary): Mp2pError {
  const first = summary.failed[0]?.why ?? "";
  const message = `${summary.failed.length} of the files failed; the first: ${first}`;
  return new Mp2pError("MP2P_PARTIAL", message, {
    hint: "Remove the cause and send again: what arrived is skipped.",
  });
}
