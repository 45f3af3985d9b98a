/** From symbols and hashes to verified blocks: the receiver's bookkeeping of content. */
import type { Primitives } from "../../backend/port.ts";
import { equalBytes } from "../../base/bytes.ts";
import { RangeSet } from "../../base/ranges.ts";
import { Assembly, type OpenBlock } from "./assembly.ts";
import type { HeldBlock } from "./contract.ts";
import type { Geometry } from "./geometry.ts";
import { HASH_BYTES } from "./records.ts";
import { SourceBook } from "./source-book.ts";
import {
  MISSING_HASH,
  type MissingRun,
  POISONED,
  RUNS_MOST,
  type Status,
} from "./status-record.ts";
import { Suspects } from "./suspects.ts";

/** Takes a verified block; `done` when its bytes are no longer needed. */
export type WriteBlock = (
  block: number,
  bytes: Uint8Array,
  hash: Uint8Array,
  done: () => void,
) => void;

/** Blocks beyond the first missing one of which hashes are kept, in 280 MB: 190 GB of usual packets. Others are asked for. */
const AHEAD_MOST = 1 << 20;

export class Intake {
  readonly book: SourceBook = new SourceBook();
  readonly assembly: Assembly;
  /** Blocks that are verified: written, being written, or held from before. */
  readonly got: RangeSet = new RangeSet();
  heldBytes = 0;
  /** Below, whatever is not here was lost. */
  settled = 0;
  /** Bytes that came as symbols, and by unicast. */
  symbolBytes = 0;
  unicastBytes = 0;
  /** Bytes that came by unicast and are being written. */
  queuedBytes = 0;
  readonly #primitives: Primitives;
  readonly #geometry: Geometry;
  readonly #write: WriteBlock;
  readonly #suspects: Suspects;
  /** Authentic hashes of blocks that are not here yet. */
  readonly #hashes = new Map<number, Uint8Array>();
  /** Behind the last block of which the hash came. */
  #announced = 0;
  /** Hashes of held blocks the sender has not confirmed yet, ascending. */
  readonly #held = new Map<number, Uint8Array>();

  constructor(primitives: Primitives, geometry: Geometry, write: WriteBlock) {
    this.#primitives = primitives;
    this.#geometry = geometry;
    this.#write = write;
    this.assembly = new Assembly(primitives, geometry);
    this.#suspects = new Suspects(primitives, geometry, this.book);
  }

  /** The first block that is not here. */
  get next(): number {
    return this.got.size > 0 && this.got.start(0) === 0 ? this.got.end(0) : 0;
  }

  /** How many bytes are verified. */
  get gotBytes(): number {
    const { blocks, blockBytes } = this.#geometry;
    const whole = this.got.total * blockBytes;
    const isLastHere = blocks !== Infinity && blocks > 0 && this.got.has(blocks - 1);
    return isLastHere ? whole - blockBytes + this.#geometry.bytesOf(blocks - 1) : whole;
  }

  hold(held: readonly HeldBlock[]): void {
    for (const { block, hash } of [...held].sort((a, b) => a.block - b.block)) {
      if (hash.length === HASH_BYTES) this.#held.set(block, hash);
      else this.#keep(block);
    }
  }

  /** @param source - its number in the book. @returns whether it may be used */
  symbols(block: number, first: number, count: number, bytes: Uint8Array, source: number): boolean {
    const isFit = bytes.length === count * this.#geometry.symbolBytes;
    if (!isFit || !this.book.admits(source, count)) return false;
    if (block >= this.#geometry.blocks) return false;
    // Blocks before it were sent, if it is the sender's: so far ahead it has not said that there are any.
    if (block <= this.#announced) this.settled = Math.max(this.settled, block);
    if (this.got.has(block) || this.#held.has(block)) return true;
    if (this.#suspects.poisoned.has(block)) return true;
    const open = this.assembly.add(block, first, count, bytes, source);
    this.symbolBytes += bytes.length;
    if (open !== undefined) this.#check(open);
    return true;
  }

  /** Authentic hashes of `count` blocks in a row. @param hashes - borrowed */
  learned(first: number, hashes: Uint8Array): void {
    const most = Math.min(this.#geometry.blocks, this.next + AHEAD_MOST);
    const end = Math.min(most, first + Math.floor(hashes.length / HASH_BYTES));
    this.#announced = Math.max(this.#announced, end);
    for (let block = first; block < end; block++) {
      const index = block - first;
      if (this.got.has(block)) continue;
      this.#hashes.set(block, hashes.slice(index * HASH_BYTES, (index + 1) * HASH_BYTES));
      this.#confirm(block);
      const open = this.assembly.open.get(block);
      if (open !== undefined && this.assembly.missing(open) === 0) this.#check(open);
    }
  }

  /** A block by unicast, authentic because its session is. @param bytes - given away */
  block(block: number, bytes: Uint8Array): void {
    const kept = this.#suspects.settle(block, bytes);
    if (kept !== undefined) this.assembly.release(kept);
    if (this.got.has(block) || bytes.length !== this.#geometry.bytesOf(block)) return;
    const open = this.assembly.open.get(block);
    if (open !== undefined) {
      this.assembly.close(open);
      this.assembly.release(open.bytes);
    }
    this.unicastBytes += bytes.length;
    this.queuedBytes += bytes.length;
    this.#take(block, bytes, this.#primitives.blake3(bytes), () => {
      this.queuedBytes -= bytes.length;
    });
  }

  /** The content ends here: a short last block may have been complete for a while. */
  ended(): void {
    const open = this.assembly.open.get(this.#geometry.blocks - 1);
    if (open === undefined) return;
    this.assembly.trim(open);
    if (this.assembly.missing(open) === 0) this.#check(open);
  }

  /** What is here, and what is missing below `settled`. */
  status(): Pick<Status, "next" | "highest" | "runs"> {
    const { next, settled } = this;
    const highest = Math.max(next, Math.min(settled, this.#geometry.blocks));
    return { next, highest, runs: this.#missing() };
  }

  /** At most RUNS_MOST runs. */
  #missing(): MissingRun[] {
    const runs: MissingRun[] = [];
    const end = Math.min(this.settled, this.#geometry.blocks);
    const special = this.#special(end);
    let at = 0;
    for (let range = 0; range <= this.got.size && at < end; range++) {
      const isLast = range === this.got.size;
      this.#gap(at, isLast ? end : Math.min(end, this.got.start(range)), special, runs);
      if (!isLast) at = this.got.end(range);
    }
    return runs;
  }

  /** Blocks below `end` that lack something else than all of their symbols, ascending. */
  #special(end: number): number[] {
    const special: number[] = [];
    for (const block of this.assembly.open.keys()) if (block < end) special.push(block);
    for (const block of this.#suspects.poisoned) if (block < end) special.push(block);
    for (const block of this.#held.keys()) {
      if (block >= end || special.length >= 4 * RUNS_MOST) break;
      special.push(block);
    }
    return special.sort((a, b) => b - a);
  }

  /** Adds the runs of the gap [from, end). */
  #gap(from: number, end: number, special: number[], runs: MissingRun[]): void {
    for (let at = from; at < end && runs.length < RUNS_MOST; ) {
      while (special.length > 0 && (special.at(-1) as number) < at) special.pop();
      const next = Math.min(special.at(-1) ?? end, end);
      const length = next > at ? next - at : 1;
      push(runs, at, length, next > at ? this.#geometry.symbolsOf(at) : this.#lack(at));
      at += length;
    }
  }

  #lack(block: number): number {
    if (this.#suspects.poisoned.has(block)) return POISONED;
    const open = this.assembly.open.get(block);
    return open === undefined ? MISSING_HASH : this.assembly.missing(open);
  }

  /** Whether a held block is what the sender has. */
  #confirm(block: number): void {
    const held = this.#held.get(block);
    const hash = this.#hashes.get(block);
    if (held === undefined || hash === undefined) return;
    this.#held.delete(block);
    if (!equalBytes(held, hash)) return;
    this.#hashes.delete(block);
    this.#keep(block);
  }

  #keep(block: number): void {
    this.heldBytes += this.got.add(block, block + 1) * this.#geometry.bytesOf(block);
  }

  #check(open: OpenBlock): void {
    const hash = this.#hashes.get(open.block);
    if (hash === undefined) return;
    this.assembly.finish(open);
    const bytes = open.bytes.subarray(0, this.#geometry.bytesOf(open.block));
    if (!equalBytes(this.#primitives.blake3(bytes), hash)) {
      const isKept = this.#suspects.add(open);
      this.assembly.close(open);
      if (!isKept) this.assembly.release(open.bytes);
      return;
    }
    this.book.praise(open.from);
    this.assembly.close(open);
    this.#take(open.block, bytes, hash, () => this.assembly.release(open.bytes));
  }

  #take(block: number, bytes: Uint8Array, hash: Uint8Array, done: () => void): void {
    this.#hashes.delete(block);
    this.#held.delete(block);
    this.got.add(block, block + 1);
    this.#write(block, bytes, hash, done);
  }
}

/** Neighbours that lack as much are one run. */
function push(runs: MissingRun[], start: number, length: number, missing: number): void {
  const last = runs.at(-1);
  if (last !== undefined && last.start + last.length === start && last.missing === missing) {
    runs[runs.length - 1] = { start: last.start, length: last.length + length, missing };
  } else runs.push({ start, length, missing });
}
