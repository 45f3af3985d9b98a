/** What a transfer has come to so far: feeds its progress, file and summary reports. */
import type { ErrorCode } from "../base/errors.ts";
import type { FileResult, TransferFailure, TransferSummary } from "./events.ts";
import { knownCode } from "./file-error.ts";
import { printable } from "./printable.ts";
import { type Entry, KIND, type Reason, type WireResult } from "./records.ts";
import type { Emit } from "./running-transfer.ts";

const MOST_FAILURES = 1000;

export class Tally {
  /** Sum of the sizes offered. */
  total = 0;
  filesTotal = 0;
  /** Content bytes that crossed the stream. */
  payloadBytes = 0;
  resumedBytes = 0;
  readonly #emit: Emit;
  #startedMs: number = performance.now();
  readonly #failed: TransferFailure[] = [];
  #failures = 0;
  #bytes = 0;
  #moved = 0;
  #confirmed = 0;
  #files = 0;
  #skipped = 0;
  #complete = 0;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  offered(size: number): void {
    this.total += size;
    this.filesTotal++;
  }

  /** Content may flow from now on: what it took to come to terms does not count. */
  started(): void {
    this.#startedMs = performance.now();
  }

  /** Bytes that need not be moved. */
  resumed(bytes: number): void {
    this.resumedBytes = bytes;
  }

  /** A unit that counted as resumed turned out to differ. */
  resentUnit(bytes: number): void {
    this.resumedBytes -= bytes;
  }

  /** File content was sent, or received and verified. */
  moved(bytes: number): void {
    this.payloadBytes += bytes;
    this.#moved += bytes;
    this.#progress();
  }

  /** @param confirmed - written by the receiver, all in all */
  confirm(confirmed: number): void {
    if (confirmed <= this.#confirmed) return;
    this.#confirmed = confirmed;
    this.#progress();
  }

  refused(failure: TransferFailure, bytes: number): void {
    this.#failures++;
    if (this.#failed.length < MOST_FAILURES) this.#failed.push(failure);
    const { name, code, why } = failure;
    this.#emit({ type: "file", name, bytes, result: "refused", code, why });
  }

  /** @param root - hex, where known */
  settled(
    entry: Entry,
    outcome: { readonly result: WireResult; readonly reason: Reason },
    root: string | undefined,
  ): void {
    const name = printable(entry.path ?? "");
    const why = printable(outcome.reason.why);
    if (entry.kind === KIND.file) this.#complete++;
    if (outcome.result === "refused") {
      const code: ErrorCode = knownCode(outcome.reason.code);
      this.refused({ name, code, why }, entry.size);
      return;
    }
    if (entry.kind === KIND.file) this.#count(entry.size, outcome.result);
    const result: FileResult = outcome.result === "kept" ? "written" : outcome.result;
    this.#emit({
      type: "file",
      name,
      bytes: entry.size,
      result,
      ...(root === undefined ? {} : { root }),
      ...(why === "" ? {} : { why }),
    });
  }

  summary(): TransferSummary {
    return {
      bytes: this.#bytes,
      files: this.#files,
      skipped: this.#skipped,
      seconds: (performance.now() - this.#startedMs) / 1000,
      resumedBytes: this.resumedBytes,
      payloadBytes: this.payloadBytes,
      partial: this.#failures > 0,
      failed: this.#failed,
    };
  }

  #count(size: number, result: WireResult): void {
    if (result === "skipped") {
      this.#skipped++;
    } else {
      this.#files++;
      this.#bytes += size;
    }
  }

  #progress(): void {
    const bytes = Math.max(Math.min(this.resumedBytes + this.#moved, this.total), this.#confirmed);
    this.#emit({
      type: "progress",
      bytes,
      confirmed: this.#confirmed,
      total: this.total,
      files: this.#complete,
      filesTotal: this.filesTotal,
    });
  }
}
