/** A message that arrives in pieces. Messages longer than a packet are cut into pieces of one size. */

import { DATA_HEADER_BYTES, TAG_BYTES } from "../../backend/port.ts";
import { concat } from "../../base/bytes.ts";
import { GROUP_FRAME_OVERHEAD_BYTES, type Piece } from "../../wire/group-frames.ts";

/** A group has no packet-size discovery: what IPv6 carries everywhere, with room for a tunnel (WIRE item 29). */
export const GROUP_PACKET_BYTES = 1200;
/** Fits in a packet beside the longest path, so cutting does not depend on how a piece is signed. */
export const PIECE_BYTES: number =
  GROUP_PACKET_BYTES - DATA_HEADER_BYTES - TAG_BYTES - GROUP_FRAME_OVERHEAD_BYTES;
export const MESSAGE_BYTES_MAX = 65_536;

/** Pieces a message of this length has. */
export function pieceCount(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / PIECE_BYTES));
}

/** Piece `index` of a message; its data is a view. */
export function cutPiece(seq: number, message: Uint8Array, index: number): Piece {
  const data = message.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
  return { seq, index, count: pieceCount(message.length), data };
}

export class PartialMessage {
  readonly count: number;
  /** Bytes held. */
  bytes = 0;
  readonly #pieces: (Uint8Array | undefined)[];
  #have = 0;

  constructor(count: number) {
    this.count = count;
    this.#pieces = new Array<Uint8Array | undefined>(count).fill(undefined);
  }

  get complete(): boolean {
    return this.#have === this.count;
  }

  has(index: number): boolean {
    return this.#pieces[index] !== undefined;
  }

  /** @param data - copied. @returns false where the piece does not belong to this message */
  add({ index, count, data }: Piece): boolean {
    if (count !== this.count || this.bytes + data.length > MESSAGE_BYTES_MAX) return false;
    if (this.has(index)) return true;
    this.#pieces[index] = data.slice();
    this.#have++;
    this.bytes += data.length;
    return true;
  }

  /** Bit i, lowest first: piece i, below `end`, is not there. Empty where none is missing. */
  missing(end: number): Uint8Array {
    const mask = new Uint8Array(Math.ceil(end / 8));
    let any = false;
    for (let index = 0; index < Math.min(end, this.count); index++) {
      if (this.has(index)) continue;
      mask[index >> 3] = (mask[index >> 3] as number) | (1 << (index & 7));
      any = true;
    }
    return any ? mask : new Uint8Array(0);
  }

  join(): Uint8Array {
    return concat(...(this.#pieces as Uint8Array[]));
  }
}
