/** Blocks under way at a receiver: symbols come in any order, parity stands in for what is lost. */
import { BLOCK_SYMBOLS, PARITY_SYMBOLS, type Primitives } from "../../backend/port.ts";
import type { Geometry } from "./geometry.ts";

const SYMBOLS = BLOCK_SYMBOLS + PARITY_SYMBOLS;
/** Memory for blocks under way and blocks being written. */
const POOL_BYTES = 64 * 1024 * 1024;
const BLOCKS_LEAST = 4;

/** One block under way. */
export interface OpenBlock {
  readonly block: number;
  /** BLOCK_SYMBOLS symbols; those behind a short last block are zero. */
  readonly bytes: Uint8Array;
  /** By symbol: 0 absent, else who sent it, a number of the SourceBook. */
  readonly from: Uint8Array;
  sources: number;
  /** Numbers of the parity symbols here, 0 to 63, in the order of `parityBytes`. */
  readonly parity: number[];
  parityBytes: Uint8Array | undefined;
}

export class Assembly {
  readonly open: Map<number, OpenBlock> = new Map();
  /** Symbols that came for a block without room. */
  dropped = 0;
  readonly #primitives: Primitives;
  readonly #geometry: Geometry;
  readonly #most: number;
  readonly #free: Uint8Array[] = [];
  readonly #freeParity: Uint8Array[] = [];
  #buffers = 0;

  constructor(primitives: Primitives, geometry: Geometry) {
    this.#primitives = primitives;
    this.#geometry = geometry;
    this.#most = Math.max(BLOCKS_LEAST, Math.floor(POOL_BYTES / geometry.blockBytes));
  }

  /** Bytes of blocks that can still be begun. */
  get roomBytes(): number {
    return (this.#most - this.#buffers + this.#free.length) * this.#geometry.blockBytes;
  }

  /**
   * Takes symbols `first` and those that follow. @returns the block once it can be finished
   *
   * @param bytes - borrowed, `count` symbols
   * @param source - 1 to 255
   */
  add(
    block: number,
    first: number,
    count: number,
    bytes: Uint8Array,
    source: number,
  ): OpenBlock | undefined {
    const open = this.open.get(block) ?? this.#begin(block);
    if (open === undefined) {
      this.dropped += count;
      return undefined;
    }
    const { symbolBytes } = this.#geometry;
    const sourceEnd = Math.min(first + count, this.#geometry.symbolsOf(block));
    if (first < sourceEnd) this.#addSources(open, first, sourceEnd, bytes, source);
    for (let symbol = Math.max(first, BLOCK_SYMBOLS); symbol < first + count; symbol++) {
      if (symbol >= SYMBOLS) break;
      const at = (symbol - first) * symbolBytes;
      this.#addParity(open, symbol, bytes.subarray(at, at + symbolBytes), source);
    }
    return this.missing(open) === 0 ? open : undefined;
  }

  /** Symbols that are still needed. */
  missing(open: OpenBlock): number {
    const needed = this.#geometry.symbolsOf(open.block);
    return Math.max(0, needed - open.sources - open.parity.length);
  }

  /** The content ended within this block: symbols behind its end never were the sender's. */
  trim(open: OpenBlock): void {
    const needed = this.#geometry.symbolsOf(open.block);
    open.from.fill(0, needed, BLOCK_SYMBOLS);
    open.sources = open.from.subarray(0, needed).filter((source) => source > 0).length;
  }

  /** Makes the absent source symbols. */
  finish(open: OpenBlock): void {
    const needed = this.#geometry.symbolsOf(open.block);
    const { symbolBytes } = this.#geometry;
    if (open.sources < needed) {
      const missing: number[] = [];
      for (let symbol = 0; symbol < needed; symbol++) if (!open.from[symbol]) missing.push(symbol);
      open.bytes.fill(0, needed * symbolBytes);
      const parity = (open.parityBytes as Uint8Array).subarray(0, open.parity.length * symbolBytes);
      const { bytes } = open;
      this.#primitives.restore(
        bytes,
        Uint8Array.from(missing),
        Uint8Array.from(open.parity),
        parity,
      );
    }
  }

  /** The block is no longer under way; its buffer is still in use. */
  close(open: OpenBlock): void {
    this.#dropParity(open);
    this.open.delete(open.block);
  }

  /** The buffer of a closed block is free. */
  release(bytes: Uint8Array): void {
    this.#free.push(bytes);
  }

  #begin(block: number): OpenBlock | undefined {
    const bytes = this.#buffer() ?? this.#evict(block);
    if (bytes === undefined) return undefined;
    const from = new Uint8Array(SYMBOLS);
    const open: OpenBlock = { block, bytes, from, sources: 0, parity: [], parityBytes: undefined };
    this.open.set(block, open);
    return open;
  }

  #buffer(): Uint8Array | undefined {
    const free = this.#free.pop();
    if (free !== undefined || this.#buffers >= this.#most) return free;
    this.#buffers++;
    return new Uint8Array(this.#geometry.blockBytes);
  }

  /** A block that is waited for takes the place of the latest one. */
  #evict(block: number): Uint8Array | undefined {
    let latest = block;
    for (const candidate of this.open.keys()) latest = Math.max(latest, candidate);
    const victim = this.open.get(latest);
    if (victim === undefined) return undefined;
    this.dropped += victim.sources + victim.parity.length;
    this.close(victim);
    return victim.bytes;
  }

  #addSources(
    open: OpenBlock,
    first: number,
    end: number,
    bytes: Uint8Array,
    source: number,
  ): void {
    const { from } = open;
    const { symbolBytes } = this.#geometry;
    for (let symbol = first; symbol < end; symbol++) {
      const start = symbol;
      while (symbol < end && from[symbol] === 0) symbol++;
      if (symbol === start) continue;
      from.fill(source, start, symbol);
      const fresh = bytes.subarray((start - first) * symbolBytes, (symbol - first) * symbolBytes);
      open.bytes.set(fresh, start * symbolBytes);
      open.sources += symbol - start;
    }
  }

  #addParity(open: OpenBlock, symbol: number, bytes: Uint8Array, source: number): void {
    if (open.from[symbol]) return;
    const { symbolBytes } = this.#geometry;
    open.parityBytes ??= this.#freeParity.pop() ?? new Uint8Array(PARITY_SYMBOLS * symbolBytes);
    open.from[symbol] = source;
    open.parityBytes.set(bytes, open.parity.length * symbolBytes);
    open.parity.push(symbol - BLOCK_SYMBOLS);
  }

  #dropParity(open: OpenBlock): void {
    if (open.parityBytes !== undefined) this.#freeParity.push(open.parityBytes);
    open.parityBytes = undefined;
  }
}
