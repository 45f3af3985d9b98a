/** What became of each entry, told to the sender and to the caller once. */
import { toHex } from "../base/bytes.ts";
import { Mp2pError } from "../base/errors.ts";
import { fileError } from "./file-error.ts";
import { UNIT_BYTES } from "./hashes.ts";
import type { FitEntry, OfferBook } from "./offer-book.ts";
import type { Placed } from "./place.ts";
import { printable } from "./printable.ts";
import { KIND, type Reason, resultRecord, type WireResult } from "./records.ts";
import type { Tally } from "./tally.ts";
import type { Turns } from "./turns.ts";

/** Failures after which a part file is no use. */
const FINAL = new Set(["MP2P_NAME", "MP2P_EXISTS", "MP2P_INTEGRITY", "MP2P_PROTOCOL"]);

/** Where the sender is told; a cast tells nobody. */
export interface Telling {
  put(...parts: readonly Uint8Array[]): void;
  /** Set when the transfer ended early. */
  readonly failure: { readonly error: unknown } | undefined;
}

export class Settling {
  /** A file is left that a later attempt can go on with, or a folder whose mode and time it is to set. */
  #isUnfinished = false;
  /** Something failed that may succeed later. */
  #hasFailed = false;
  #hasRenamed = false;
  readonly #settled = new Set<number>();
  readonly #book: OfferBook;
  readonly #channel: Telling;
  readonly #tally: Tally;

  constructor(book: OfferBook, channel: Telling, tally: Tally) {
    this.#book = book;
    this.#channel = channel;
    this.#tally = tally;
  }

  /** A later attempt needs the journal: it alone says what was put under which other name. */
  get hasUnfinished(): boolean {
    return this.#isUnfinished || (this.#hasFailed && this.#hasRenamed);
  }

  has(number: number): boolean {
    return this.#settled.has(number);
  }

  /** The entries still to be dealt with. */
  *entries(): Generator<readonly [number, FitEntry], void, undefined> {
    for (const fit of this.#book.fit()) if (!this.has(fit[0])) yield fit;
  }

  settle(number: number, result: WireResult, why: string, root?: Uint8Array): void {
    this.#settle(number, result, { code: "", why }, root);
  }

  placed(number: number, placed: Placed, root?: Uint8Array): void {
    const why =
      placed.result === "renamed"
        ? `as ${printable(placed.name)}`
        : placed.result === "skipped"
          ? "another file has this name"
          : "";
    this.settle(number, placed.result, why, root);
  }

  refuse(number: number, error: Mp2pError): void {
    const { size = 0, kind } = this.#book.entries[number] ?? {};
    const isKept = size > UNIT_BYTES || kind === KIND.folder;
    if (!this.has(number) && !FINAL.has(error.code)) {
      this.#hasFailed = true;
      this.#isUnfinished ||= isKept;
    }
    this.#settle(number, "refused", { code: error.code, why: error.message });
  }

  /** Refuses what the book refuses. */
  async refuseNames(turns: Turns): Promise<void> {
    for (const [number, why] of this.#book.refused) {
      this.refuse(number, new Mp2pError("MP2P_NAME", why));
      const turn = turns.after(why.length);
      if (turn !== undefined) await turn;
    }
  }

  /** A call of the file system failed for one entry. */
  failed(number: number, entry: FitEntry, error: unknown): void {
    // When the transfer ends early, what was under way is not refused but unfinished.
    if (this.#channel.failure !== undefined) return;
    this.refuse(number, fileError(error, "MP2P_TARGET", "write", entry.path));
  }

  #settle(number: number, result: WireResult, reason: Reason, root?: Uint8Array): void {
    const entry = this.#book.entries[number];
    if (entry === undefined || this.#settled.has(number)) return;
    this.#settled.add(number);
    // One that was kept has its name from an earlier attempt, perhaps another.
    this.#hasRenamed ||= result === "renamed" || result === "kept";
    this.#channel.put(resultRecord(number, result, reason));
    this.#tally.settled(entry, { result, reason }, root && toHex(root));
  }
}
