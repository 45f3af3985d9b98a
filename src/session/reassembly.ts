import type { BlockPool } from "./block-pool.ts";

/** Chunks are at most this long, which is also how much one `read` yields. */
const CHUNK_BYTES = 262_144;
/** Neighbours that together are no longer become one, so that bytes which come one by one cost little more than bytes. */
const JOINED_BYTES = 1024;

/** Memory of a chunk; bytes up to `used` are filled. */
interface Chunk {
  readonly bytes: Uint8Array;
  used: number;
  /** Goes back to the pool. */
  readonly pooled: boolean;
}

/** Contiguous bytes [start, end) of the stream. */
interface Island {
  start: number;
  end: number;
  chunks: Chunk[];
}

/**
 * Puts the bytes of one stream in order. Each byte is copied once, into memory that the reader
 * then owns; what arrives out of order waits as islands, whose number the caller bounds.
 */
export class Reassembly {
  /** In order of their offsets; the first one may be what is ready to be read. */
  readonly #islands: Island[] = [];
  readonly #pool: BlockPool;
  /** Bytes of the first chunk already read. */
  #readInChunk = 0;
  #readTo = 0;
  /** In the hands of a borrower: not to be used again before it is back. */
  #lent: Chunk | undefined;

  /** @param pool - memory for what waits to be lent; what `read` gives away is never from it */
  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  /** Stream offset of the next byte `read` will yield. */
  get readTo(): number {
    return this.#readTo;
  }

  /** Stream offset after the last byte that can be read now. */
  get readyTo(): number {
    const first = this.#islands[0];
    return first !== undefined && first.start <= this.#readTo ? first.end : this.#readTo;
  }

  /** Islands that wait for bytes before them. */
  get gaps(): number {
    const first = this.#islands[0];
    return this.#islands.length - (first !== undefined && first.start <= this.#readTo ? 1 : 0);
  }

  /**
   * @param bytes - borrowed for the call
   * @param lends - they will be lent rather than read, so that their memory can serve again: fresh
   * memory costs a page fault each 4 KiB, and its collection as much
   */
  insert(offset: number, bytes: Uint8Array, lends = false): void {
    const end = offset + bytes.length;
    let from = Math.max(offset, this.#readTo);
    if (from >= end) return;
    const index = this.#firstEndingAtOrAfter(from);
    const island = this.#islandAt(index, from);
    // Those that the bytes reach are taken out together: a peer may make bytes reach hundreds.
    let after = index + 1;
    for (from = Math.max(from, island.end); from < end; from = island.end) {
      const next = this.#islands[after];
      const to = Math.min(end, next?.start ?? end);
      this.#append(island, next, bytes.subarray(from - offset, to - offset), lends);
      if (next?.start !== to) continue;
      this.#join(island, next);
      after++;
    }
    if (after > index + 1) this.#islands.splice(index + 1, after - index - 1);
  }

  /** Whether all bytes below `end` are here, or were read. */
  holdsTo(end: number): boolean {
    const [first] = this.#islands;
    if (first === undefined) return this.#readTo === end;
    return first.start <= this.#readTo && first.end === end;
  }

  /** The next bytes in order, owned by the caller from now on; undefined where there are none yet. */
  read(): Uint8Array | undefined {
    const chunk = this.#next();
    if (chunk === undefined) return undefined;
    return this.#take(chunk, chunk.pooled ? new Uint8Array(chunk.bytes) : chunk.bytes);
  }

  /** Lends the next bytes in order for the call. @returns what `use` returns; undefined where there are none yet */
  lend<T>(use: (bytes: Uint8Array) => T): T | undefined {
    const chunk = this.#next();
    if (chunk === undefined) return undefined;
    const bytes = this.#take(chunk, chunk.bytes);
    const spent = this.#islands[0]?.chunks[0] !== chunk;
    this.#lent = chunk;
    const result = use(bytes);
    this.#lent = undefined;
    if (spent && chunk.pooled) this.#pool.give(chunk.bytes);
    return result;
  }

  /** The chunk with the next bytes to be read. */
  #next(): Chunk | undefined {
    const first = this.#islands[0];
    if (first === undefined || first.start > this.#readTo) return undefined;
    const chunk = first.chunks[0];
    return chunk?.used === this.#readInChunk ? undefined : chunk;
  }

  /** @param memory - of the chunk, or a copy */
  #take(chunk: Chunk, memory: Uint8Array): Uint8Array {
    const first = this.#islands[0] as Island;
    const bytes = memory.subarray(this.#readInChunk, chunk.used);
    this.#readTo += bytes.length;
    this.#readInChunk = chunk.used;
    if (first.chunks.length > 1 || chunk.used === chunk.bytes.length) {
      first.chunks.shift();
      this.#readInChunk = 0;
    }
    if (first.chunks.length === 0 && this.#readTo === first.end) this.#islands.shift();
    return bytes;
  }

  /** Takes note that bytes at `readTo` went to the reader directly. Only while nothing waits. */
  pass(bytes: number): void {
    this.#readTo += bytes;
  }

  /** Whether nothing waits; a chunk that was read but has room left is given up. */
  get empty(): boolean {
    const first = this.#islands[0];
    if (first !== undefined && this.#islands.length === 1 && first.end === this.#readTo)
      this.clear();
    return this.#islands.length === 0;
  }

  clear(): void {
    for (const { chunks } of this.#islands) {
      for (const chunk of chunks)
        if (chunk.pooled && chunk !== this.#lent) this.#pool.give(chunk.bytes);
    }
    this.#islands.length = 0;
    this.#readInChunk = 0;
  }

  /** The island at this index where it holds or touches `from`, else a new one there. */
  #islandAt(index: number, from: number): Island {
    const known = this.#islands[index];
    if (known !== undefined && known.start <= from) return known;
    const island = { start: from, end: from, chunks: [] };
    this.#islands.splice(index, 0, island);
    return island;
  }

  /** Two islands have met: the left one is both. */
  #join(left: Island, right: Island): void {
    const { chunks: before } = left;
    const { chunks: after } = right;
    for (
      let one = this.#merged(before, after);
      one !== undefined;
      one = this.#merged(before, after)
    ) {
      before.pop();
      after[0] = one;
    }
    if (before.length === 0) left.chunks = after;
    else if (before.length < after.length) left.chunks = before.concat(after);
    else for (const chunk of after) before.push(chunk);
    left.end = right.end;
  }

  /** The last chunk of one list and the first of the other in one, where both are small. */
  #merged(before: readonly Chunk[], after: readonly Chunk[]): Chunk | undefined {
    const left = before.at(-1);
    const right = after[0];
    if (left === undefined || right === undefined || left === this.#lent) return undefined;
    const used = left.used + right.used;
    if (used > JOINED_BYTES || left.pooled || right.pooled) return undefined;
    const bytes = new Uint8Array(used);
    bytes.set(left.bytes.subarray(0, left.used));
    bytes.set(right.bytes.subarray(0, right.used), left.used);
    return { bytes, used, pooled: false };
  }

  #firstEndingAtOrAfter(offset: number): number {
    let low = 0;
    let high = this.#islands.length;
    if (high > 0 && (this.#islands[high - 1] as Island).end < offset) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#islands[middle] as Island).end < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Chunks grow with what has come in order, so that short streams stay small and gaps cheap. */
  #append(island: Island, next: Island | undefined, bytes: Uint8Array, lends: boolean): void {
    const inOrder = island.start <= this.#readTo;
    let at = 0;
    while (at < bytes.length) {
      let chunk = island.chunks.at(-1);
      if (chunk === undefined || chunk.used === chunk.bytes.length) {
        const wanted = Math.max(
          bytes.length - at,
          inOrder ? island.end : island.end - island.start,
        );
        const room = next === undefined ? wanted : next.start - island.end;
        const length = Math.min(CHUNK_BYTES, wanted, room);
        const pooled = lends && length === CHUNK_BYTES;
        chunk = {
          bytes: pooled ? this.#pool.take(length) : new Uint8Array(length),
          used: 0,
          pooled,
        };
        island.chunks.push(chunk);
      }
      const taken = Math.min(bytes.length - at, chunk.bytes.length - chunk.used);
      chunk.bytes.set(bytes.subarray(at, at + taken), chunk.used);
      chunk.used += taken;
      island.end += taken;
      at += taken;
    }
  }
}
