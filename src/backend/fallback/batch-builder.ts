import { type ReceiveBatch, ROW, ROW_FRAMES, ROW_PLAIN, ROW_STREAM } from "../port.ts";

const FIRST_SLAB_BYTES = 131_072;
const FIRST_ROWS = 64;
/** Unsealed datagrams one batch holds, so that a flood of them cannot keep the event loop. */
export const MOST_PLAIN_ROWS = 256;

/** Where a sealed packet came from and when. */
export interface Arrival {
  readonly slot: number;
  readonly packet: number;
  readonly path: number;
  readonly time: number;
}

export interface StreamPiece {
  readonly stream: number;
  readonly offset: number;
  readonly fin: boolean;
  readonly payload: Uint8Array;
}

/**
 * Gathers one batch. Packets of one slot and path with consecutive numbers and consecutive bytes of
 * one stream become one row whose payloads lie side by side in the slab. All packets of a run but the
 * last are equally long, so packet k holds bytes [offset + k * chunk, ...). The row's time is that of
 * its last packet.
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

  addStream(arrival: Arrival, piece: StreamPiece): void {
    if (!this.#extendsRun(arrival, piece)) {
      const at = this.#addRow(ROW_STREAM, arrival.path, arrival.time, piece.payload);
      this.rows[at + ROW.slot] = arrival.slot;
      this.rows[at + ROW.packet] = arrival.packet;
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
    const at = this.#addRow(ROW_FRAMES, arrival.path, arrival.time, plaintext);
    this.rows[at + ROW.slot] = arrival.slot;
    this.rows[at + ROW.packet] = arrival.packet;
  }

  /** @returns false where as many as a batch holds are waiting */
  addPlain(path: number, time: number, datagram: Uint8Array): boolean {
    if (this.#plainRows >= MOST_PLAIN_ROWS) return false;
    this.#addRow(ROW_PLAIN, path, time, datagram);
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

  #extendsRun(arrival: Arrival, piece: StreamPiece): boolean {
    if (this.#runChunk === 0 || piece.payload.length > this.#runChunk) return false;
    const { rows } = this;
    const at = (this.rowCount - 1) * ROW.STRIDE;
    return (
      rows[at + ROW.slot] === arrival.slot &&
      rows[at + ROW.path] === arrival.path &&
      rows[at + ROW.stream] === piece.stream &&
      (rows[at + ROW.packet] as number) + (rows[at + ROW.count] as number) === arrival.packet &&
      (rows[at + ROW.offset] as number) + (rows[at + ROW.length] as number) === piece.offset
    );
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
