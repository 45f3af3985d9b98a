/**
 * Content on its way out: read in chunks ahead of the sending, hashed as it is read, kept while somebody
 * may miss it, read again when that was too long ago.
 */
import type { Primitives } from "../../backend/port.ts";
import { equalBytes } from "../../base/bytes.ts";
import { Mp2pError } from "../../base/errors.ts";
import type { Geometry } from "./geometry.ts";
import type { ContentPort } from "./ports.ts";
import { HASH_BYTES } from "./records.ts";

/** One read and one signature: on a busy machine each read waits a millisecond for a processor. */
const CHUNK_BYTES = 4 * 1024 * 1024;
export const CACHE_BYTES: number = 64 * 1024 * 1024;
/** More hashes than a packet holds: the first that somebody still needs is sent with those of its packet. */
const HASHES_BEHIND = 512;
/** Chunks read before they are due. */
const AHEAD = 2;

interface Chunk {
  readonly buffer: Uint8Array;
  bytes: number;
}

export class BlockSource {
  readonly chunkBlocks: number;
  /** Why content cannot be read. */
  failure: unknown;
  /** Blocks of which the hash is known: the first ones. */
  hashed = 0;
  /** Blocks below are nobody's need any more. */
  settled = 0;
  /** Hashes of blocks below are gone: a live content may go on for months. */
  firstHash = 0;
  readonly #content: ContentPort;
  readonly #geometry: Geometry;
  readonly #primitives: Primitives;
  readonly #changed: () => void;
  readonly #most: number;
  readonly #chunks = new Map<number, Chunk>();
  readonly #wanted = new Set<number>();
  /** Of block `firstHash` and those that follow. */
  #hashes: Uint8Array = new Uint8Array(1024 * HASH_BYTES);
  /** The chunk that is being read. */
  #reading: number | undefined;
  #buffers = 0;
  readonly #free: Uint8Array[] = [];

  constructor(
    content: ContentPort,
    geometry: Geometry,
    primitives: Primitives,
    changed: () => void,
  ) {
    this.#content = content;
    this.#geometry = geometry;
    this.#primitives = primitives;
    this.#changed = changed;
    const { blockBytes } = geometry;
    // A live content is sent as it comes, so it is not gathered into large pieces first.
    const chunkBytes = content.bytes === undefined ? blockBytes : CHUNK_BYTES;
    this.chunkBlocks = Math.max(1, Math.floor(chunkBytes / blockBytes));
    this.#most = Math.max(AHEAD + 2, Math.floor(CACHE_BYTES / (this.chunkBlocks * blockBytes)));
  }

  /** A view of a block that is in memory, good until the next `want`. */
  get(block: number): Uint8Array | undefined {
    const index = Math.floor(block / this.chunkBlocks);
    const chunk = this.#chunks.get(index);
    if (chunk === undefined) return undefined;
    const at = (block - index * this.chunkBlocks) * this.#geometry.blockBytes;
    if (at >= chunk.bytes) return undefined;
    return chunk.buffer.subarray(at, Math.min(chunk.bytes, at + this.#geometry.blockBytes));
  }

  /** All symbols of a block, the last one filled up with zeros. */
  symbols(block: number): Uint8Array | undefined {
    const bytes = this.get(block);
    if (bytes === undefined || bytes.length === this.#geometry.blockBytes) return bytes;
    const whole = new Uint8Array(this.#geometry.blockBytes);
    whole.set(bytes);
    return whole;
  }

  /** @param block - from `firstHash` on, below `hashed` */
  hash(block: number): Uint8Array {
    const at = (block - this.firstHash) * HASH_BYTES;
    return this.#hashes.subarray(at, at + HASH_BYTES);
  }

  /** Brings a block into memory; `changed` is called when it is there. */
  want(block: number): void {
    const index = Math.floor(block / this.chunkBlocks);
    const isThere = this.#chunks.has(index) || this.#reading === index;
    if (block >= this.#geometry.blocks || isThere) return;
    this.#wanted.add(index);
    this.#read();
  }

  /** Reads ahead of the block that is sent next. */
  ahead(block: number): void {
    const first = Math.floor(block / this.chunkBlocks);
    for (let index = first; index < first + AHEAD; index++) this.want(index * this.chunkBlocks);
  }

  #read(): void {
    if (this.#reading !== undefined || this.failure !== undefined) return;
    // A live content has one order.
    const index = Math.min(...this.#wanted);
    if (index === Infinity) return;
    const isGone = this.#content.bytes === undefined && index * this.chunkBlocks < this.hashed;
    this.#wanted.delete(index);
    if (isGone) {
      this.#read();
      return;
    }
    const buffer = this.#buffer();
    const offset = index * buffer.length;
    const left = (this.#geometry.bytes ?? Infinity) - offset;
    const into = left < buffer.length ? buffer.subarray(0, Math.max(0, left)) : buffer;
    this.#reading = index;
    this.#content.read(offset, into, (bytes, error) => {
      this.#reading = undefined;
      if (error === undefined) this.#take(index, buffer, into.length, bytes);
      else this.failure = error;
      this.#read();
      this.#changed();
    });
  }

  #take(index: number, buffer: Uint8Array, asked: number, bytes: number): void {
    const geometry = this.#geometry;
    if (bytes < asked) {
      if (geometry.bytes !== undefined) {
        this.failure = new Mp2pError("MP2P_SOURCE_CHANGED", "the content became shorter");
        return;
      }
      geometry.bytes = index * buffer.length + bytes;
    }
    this.#chunks.set(index, { buffer, bytes });
    const first = index * this.chunkBlocks;
    for (let block = first; ; block++) {
      const content = this.get(block);
      if (content === undefined) return;
      this.#hash(block, this.#primitives.blake3(content));
    }
  }

  #hash(block: number, hash: Uint8Array): void {
    if (block < this.hashed) {
      if (equalBytes(hash, this.hash(block))) return;
      this.failure = new Mp2pError("MP2P_SOURCE_CHANGED", "the content changed while it was cast");
      return;
    }
    if ((block + 1 - this.firstHash) * HASH_BYTES > this.#hashes.length) this.#makeRoom();
    this.#hashes.set(hash, (block - this.firstHash) * HASH_BYTES);
    this.hashed = block + 1;
  }

  /** For another hash. Whoever comes late to a live content that somebody got a part of is sent away, so no one asks. */
  #makeRoom(): void {
    const { isLive } = this.#geometry;
    const first = isLive ? Math.max(0, Math.min(this.settled, this.hashed) - HASHES_BEHIND) : 0;
    const kept = this.#hashes.subarray((first - this.firstHash) * HASH_BYTES);
    const isRoomy = kept.length * 2 <= this.#hashes.length;
    const hashes = isRoomy ? this.#hashes : new Uint8Array(2 * this.#hashes.length);
    hashes.set(kept);
    this.#hashes = hashes;
    this.firstHash = first;
  }

  /** What nobody needs goes first, then what was read longest ago. */
  #buffer(): Uint8Array {
    for (const [index, chunk] of this.#chunks) {
      const isFull = this.#buffers - this.#free.length >= this.#most;
      if ((index + 1) * this.chunkBlocks > this.settled && !isFull) continue;
      this.#chunks.delete(index);
      this.#free.push(chunk.buffer);
    }
    const free = this.#free.pop();
    if (free !== undefined) return free;
    this.#buffers++;
    return new Uint8Array(this.chunkBlocks * this.#geometry.blockBytes);
  }
}
