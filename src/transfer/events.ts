/** What a transfer tells while it runs, and what it comes to. */
import type { ErrorCode } from "../base/errors.ts";

/** One file, folder or link that did not make it; the rest of the transfer went on. */
export interface TransferFailure {
  readonly name: string;
  readonly code: ErrorCode;
  readonly why: string;
}

/** The receiver's view of what it is asked to take, before anything is written. */
export interface Offer {
  readonly peer: { readonly key: Uint8Array; readonly keyText: string };
  /** Hex. */
  readonly transferId: string;
  readonly files: number;
  readonly folders: number;
  readonly links: number;
  /** Sum of the file sizes. */
  readonly bytes: number;
  /** The first names, at most 100, safe to print. */
  readonly names: readonly string[];
  /** Entries that will not be taken whatever the answer, at most 100. */
  readonly refused: readonly TransferFailure[];
  /** Files that exist in the target with other content; `names` holds the first 100. */
  readonly conflicts: { readonly files: number; readonly names: readonly string[] };
  /** Bytes held from an earlier attempt. */
  readonly resumeBytes: number;
  /** Free bytes on the target's file system. */
  readonly freeBytes: number;
}

export interface OfferEvent {
  readonly type: "offer";
  readonly peer: string;
  readonly files: number;
  readonly bytes: number;
  readonly names: readonly string[];
}

export interface AcceptEvent {
  readonly type: "accept";
  readonly files: number;
  readonly resumeBytes: number;
}

export interface ProgressEvent {
  readonly type: "progress";
  /** Handed to the stream (sender) or verified (receiver); resumed and skipped bytes included. */
  readonly bytes: number;
  /** Written and verified by the receiver. */
  readonly confirmed: number;
  readonly total: number;
  readonly files: number;
  readonly filesTotal: number;
}

export type FileResult = "written" | "skipped" | "renamed" | "refused";

export interface FileEvent {
  readonly type: "file";
  readonly name: string;
  readonly bytes: number;
  /** Hex; docs/PROTOCOL.md, "Transfer": a hash over unit hashes, not what `b3sum` prints. */
  readonly root?: string;
  readonly result: FileResult;
  /** With `refused` only. */
  readonly code?: ErrorCode;
  /** Reason of a refusal or a skip; the new name of a renamed file. */
  readonly why?: string;
}

export interface TransferSummary {
  /** Sum of the sizes of `files`. */
  readonly bytes: number;
  /** Files in place now: written, renamed, or complete since an earlier attempt. */
  readonly files: number;
  /** Files left alone: they exist and the receiver keeps its own. */
  readonly skipped: number;
  /** Since the offer was taken; of a cast, since its content came. */
  readonly seconds: number;
  /** Of `bytes`, what did not have to be sent again. */
  readonly resumedBytes: number;
  /** File content that crossed the stream in this attempt. */
  readonly payloadBytes: number;
  /** True where anything failed. */
  readonly partial: boolean;
  /** At most 1,000 of them. */
  readonly failed: readonly TransferFailure[];
}

export interface DoneEvent extends TransferSummary {
  readonly type: "done";
}

export type TransferEvent = OfferEvent | AcceptEvent | ProgressEvent | FileEvent | DoneEvent;

/**
 * A running transfer. Iterating is optional and slows nothing down: of several unread progress events
 * only the last is kept, and of the others the newest 100,000.
 */
export interface Transfer extends AsyncIterable<TransferEvent> {
  /**
   * @throws {Mp2pError} why the transfer as a whole failed, or the signal's reason; single files that
   *   failed are in the summary
   */
  readonly done: Promise<TransferSummary>;
}
