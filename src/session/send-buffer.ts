import type { BlockPool } from "./block-pool.ts";

/** Part of a stream in one block: bytes [start, end) of the stream lie from 0 on. */
interface Piece {
  readonly block: Uint8Array;
  readonly start: number;
  end: number;
  /** Bytes of the block in use: whole packets, so that packets do not straddle blocks. */
  readonly capacity: number;
  /** The block goes back to the pool. */
  readonly pooled: boolean;
}

/** Bytes that several buffers hold together. */
export interface Held {
  bytes: number;
}

/** Bytes of one stream from the oldest unacknowledged one to the newest written. */
export class SendBuffer {
  readonly #pool: BlockPool;
  readonly #held: Held;
  readonly #pieces: Piece[] = [];
  #end = 0;

  /** @param held - counts what this buffer holds, among others */
  constructor(pool: BlockPool, held: Held) {
    this.#pool = pool;
    this.#held = held;
  }

  /** Stream offset after the last byte written. */
  get end(): number {
    return this.#end;
  }

  /** @param packetPayload - stream bytes of a full packet; blocks are filled to a multiple of it */
  append(bytes: Uint8Array, packetPayload: number): void {
    this.#held.bytes += bytes.length;
    let at = 0;
    while (at < bytes.length) {
      let piece = this.#pieces.at(-1);
      if (piece === undefined || piece.end - piece.start === piece.capacity) {
        const held = this.#end - (this.#pieces[0]?.start ?? this.#end);
        const block = this.#pool.take(bytes.length - at + held);
        const packets = Math.floor(block.length / packetPayload);
        const capacity = packets * packetPayload;
        piece = { block, start: this.#end, end: this.#end, capacity, pooled: true };
        this.#pieces.push(piece);
      }
      const used = piece.end - piece.start;
      const taken = Math.min(bytes.length - at, piece.capacity - used);
      piece.block.set(
        at === 0 && taken === bytes.length ? bytes : bytes.subarray(at, at + taken),
        used,
      );
      piece.end += taken;
      this.#end += taken;
      at += taken;
    }
  }

  /** As `append`, without a copy. @param bytes - stay as they are until the peer has them */
  adopt(bytes: Uint8Array): void {
    const start = this.#end;
    this.#held.bytes += bytes.length;
    this.#end += bytes.length;
    const capacity = bytes.length;
    this.#pieces.push({ block: bytes, start, end: this.#end, capacity, pooled: false });
  }

  /** Contiguous bytes from `offset` on, which the buffer still holds. */
  contiguous(offset: number): number {
    return this.#pieceAt(offset).end - offset;
  }

  block(offset: number): Uint8Array {
    return this.#pieceAt(offset).block;
  }

  /** Position of `offset` within its block. */
  position(offset: number): number {
    return offset - this.#pieceAt(offset).start;
  }

  /** Gives back blocks that lie wholly before `offset`. */
  release(offset: number): void {
    let count = 0;
    for (const piece of this.#pieces) {
      if (piece.end > offset) break;
      this.#giveBack(piece);
      count++;
    }
    if (count > 0) this.#pieces.splice(0, count);
  }

  /** Gives everything back: nothing will be sent again. */
  clear(): void {
    for (const piece of this.#pieces) this.#giveBack(piece);
    this.#pieces.length = 0;
  }

  #giveBack({ block, start, end, pooled }: Piece): void {
    this.#held.bytes -= end - start;
    if (pooled) this.#pool.give(block);
  }

  #pieceAt(offset: number): Piece {
    let low = 0;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#pieces[middle] as Piece).end <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#pieces[low] as Piece;
  }
}
