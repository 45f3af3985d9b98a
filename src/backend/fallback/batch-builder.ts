import {
  type ReceiveBatch,
  ROW,
  ROW_FRAMES,
  ROW_PLAIN,
  type ROW_STREAM,
  ROW_SYMBOLS,
} from "../port.ts";

const FIRST_SLAB_BYTES = 131_072;
const FIRST_ROWS = 64;
/** Symbols that one block may number: `offset` is block * this + symbol. */
const SYMBOL_NUMBERS = 65_536;
/** Unsealed datagrams one batch holds, so that a flood of them cannot keep the event loop. */
export const MOST_PLAIN_ROWS = 256;

/** Where a sealed packet came from and when. */
export interface Arrival {
  readonly slot: number;
  readonly packet: number;
  readonly path: number;
  readonly time: number;
  /** Membership it came by; 0 for unicast. */
  readonly group: number;
}

/** What a packet brings of a stream or of a cast's block; offsets are those of ROW. */
export interface BulkPiece {
  readonly kind: typeof ROW_STREAM | typeof ROW_SYMBOLS;
  /** Or the object of a symbol. */
  readonly stream: number;
  readonly offset: number;
  readonly fin: boolean;
  readonly payload: Uint8Array;
}

/**
 * Gathers one batch. Packets of one slot, path and group with consecutive numbers and consecutive
 * bytes of one stream, or consecutive symbols of one block, become one row whose payloads lie side by
 * side in the slab. All packets of a run are equally long but the last of a stream's, so packet k
 * holds bytes [offset + k * chunk, ...), or symbol offset + k. The row's time is that of its last
 * packet.
 */
export class BatchBuilder implements ReceiveBatch {
  slab: Uint8Array = new Uint8Array(FIRST_SLAB_BYTES);
  rows: Float64Array = new Float64Array(FIRST_ROWS * ROW.STRIDE);
  rowCount = 0;
  readonly strangers: string[] = [];
  #slabLength = 0;
  #plainRows = 0;
  /** Payload bytes of each packet of the run that the next packet may join; 0 where none may. */
  #runChunk = 0;

  get isEmpty(): boolean {
    return this.rowCount === 0;
  }

  get bytes(): number {
    return this.#slabLength;
  }

  addBulk(arrival: Arrival, piece: BulkPiece): void {
    if (!this.#extendsRun(arrival, piece)) {
      const at = this.#addSealed(piece.kind, arrival, piece.payload);
      this.rows[at + ROW.stream] = piece.stream;
      this.rows[at + ROW.offset] = piece.offset;
      this.rows[at + ROW.fin] = piece.fin ? 1 : 0;
      this.#runChunk = piece.fin ? 0 : piece.payload.length;
      return;
    }
    const { rows } = this;
    const at = (this.rowCount - 1) * ROW.STRIDE;
    this.#append(piece.payload);
    rows[at + ROW.count] = (rows[at + ROW.count] as number) + 1;
    rows[at + ROW.length] = (rows[at + ROW.length] as number) + piece.payload.length;
    rows[at + ROW.time] = arrival.time;
    if (piece.fin) rows[at + ROW.fin] = 1;
    if (piece.fin || piece.payload.length < this.#runChunk) this.#runChunk = 0;
  }

  addFrames(arrival: Arrival, plaintext: Uint8Array): void {
    this.#addSealed(ROW_FRAMES, arrival, plaintext);
  }

  /**
   * @param group - membership it came by; 0 for unicast
   * @returns false where as many as a batch holds are waiting
   */
  addPlain(path: number, group: number, time: number, datagram: Uint8Array): boolean {
    if (this.#plainRows >= MOST_PLAIN_ROWS) return false;
    const at = this.#addRow(ROW_PLAIN, path, time, datagram);
    this.rows[at + ROW.group] = group;
    this.#plainRows++;
    return true;
  }

  /** @returns the path number of an address without a path: one number an address and batch */
  stranger(address: string): number {
    let index = this.strangers.lastIndexOf(address);
    if (index < 0) index = this.strangers.push(address) - 1;
    return -1 - index;
  }

  clear(): void {
    this.rowCount = 0;
    this.strangers.length = 0;
    this.#slabLength = 0;
    this.#plainRows = 0;
    this.#runChunk = 0;
  }

  #extendsRun(arrival: Arrival, piece: BulkPiece): boolean {
    if (this.#runChunk === 0) return false;
    const { rows } = this;
    const at = (this.rowCount - 1) * ROW.STRIDE;
    return (
      rows[at + ROW.kind] === piece.kind &&
      rows[at + ROW.slot] === arrival.slot &&
      rows[at + ROW.path] === arrival.path &&
      rows[at + ROW.group] === arrival.group &&
      rows[at + ROW.stream] === piece.stream &&
      (rows[at + ROW.packet] as number) + (rows[at + ROW.count] as number) === arrival.packet &&
      this.#isNext(at, piece)
    );
  }

  /** A short packet may end a stream's run; the symbols of a run are equally long and of one block. */
  #isNext(at: number, { kind, offset, payload }: BulkPiece): boolean {
    const first = this.rows[at + ROW.offset] as number;
    if (kind === ROW_SYMBOLS) {
      const isSameBlock = offset % SYMBOL_NUMBERS !== 0;
      const next = first + (this.rows[at + ROW.count] as number);
      return isSameBlock && payload.length === this.#runChunk && offset === next;
    }
    const next = first + (this.rows[at + ROW.length] as number);
    return payload.length <= this.#runChunk && offset === next;
  }

  #addSealed(kind: number, arrival: Arrival, bytes: Uint8Array): number {
    const at = this.#addRow(kind, arrival.path, arrival.time, bytes);
    this.rows[at + ROW.slot] = arrival.slot;
    this.rows[at + ROW.packet] = arrival.packet;
    this.rows[at + ROW.group] = arrival.group;
    return at;
  }

  /** @returns where the row begins in `rows`; columns not named here are 0, and `count` is 1 */
  #addRow(kind: number, path: number, time: number, bytes: Uint8Array): number {
    const at = this.rowCount * ROW.STRIDE;
    if (at === this.rows.length) {
      const grown = new Float64Array(2 * this.rows.length);
      grown.set(this.rows);
      this.rows = grown;
    }
    this.rows.fill(0, at, at + ROW.STRIDE);
    this.rows[at + ROW.kind] = kind;
    this.rows[at + ROW.count] = 1;
    this.rows[at + ROW.at] = this.#slabLength;
    this.rows[at + ROW.length] = bytes.length;
    this.rows[at + ROW.path] = path;
    this.rows[at + ROW.time] = time;
    this.rowCount++;
    this.#runChunk = 0;
    this.#append(bytes);
    return at;
  }

  #append(bytes: Uint8Array): void {
    const end = this.#slabLength + bytes.length;
    if (end > this.slab.length) {
      const grown = new Uint8Array(Math.max(2 * this.slab.length, end));
      grown.set(this.slab);
      this.slab = grown;
    }
    this.slab.set(bytes, this.#slabLength);
    this.#slabLength = end;
  }
}
