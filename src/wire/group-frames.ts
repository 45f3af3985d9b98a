/**
 * GROUP_MSG, the one frame of a group's data packets, alone in its packet. Byte table: docs/PROTOCOL.md,
 * "Secure groups".
 *
 *   0 type = 0x18 | 1 mode | 2-65 signature
 *   batch only: leaf u8 | depth u8 | salt 8 | path 16 × depth
 *   piece: message number 6 | index u8 | count u8 | data to the end
 */
import { concat, viewOf, writeUint48 } from "../base/bytes.ts";
import { Reader } from "./reader.ts";

const GROUP_MSG = 0x18;
/** The signature covers this piece alone. */
export const MODE_SINGLE = 0;
/** The signature covers the root of a Merkle tree; the path leads there from this piece. */
export const MODE_BATCH = 1;

const SIGNATURE_BYTES = 64;
export const SALT_BYTES = 8;
export const NODE_BYTES = 16;
/** Pieces one signature can cover: 2^6. */
const BATCH_DEPTH_MAX = 6;
export const BATCH_PIECES_MAX: number = 2 ** BATCH_DEPTH_MAX;
const PIECE_HEADER_BYTES = 8;
/** Largest frame beside its data. */
export const GROUP_FRAME_OVERHEAD_BYTES: number =
  2 + SIGNATURE_BYTES + 2 + SALT_BYTES + NODE_BYTES * BATCH_DEPTH_MAX + PIECE_HEADER_BYTES;

/** A message, or a part of one that is longer than a packet. */
export interface Piece {
  /** Number of the message: one sender's messages count from 0. */
  readonly seq: number;
  readonly index: number;
  /** Pieces of this message, 1 to 255. */
  readonly count: number;
  readonly data: Uint8Array;
}

/** How a piece of a batch is found in its tree. */
export interface BatchPlace {
  /** Number of the piece's leaf; below 2^depth. */
  readonly leaf: number;
  /** 8 random bytes, drawn when the pieces were fixed. */
  readonly salt: Uint8Array;
  /** Sibling nodes from the leaf up, 16 bytes each. */
  readonly path: Uint8Array;
}

export interface GroupFrame extends Piece {
  readonly signature: Uint8Array;
  /** Undefined for a single piece. */
  readonly batch: BatchPlace | undefined;
  /** The piece as it travels: what is signed. */
  readonly signed: Uint8Array;
}

export function writePiece({ seq, index, count, data }: Piece): Uint8Array {
  const piece = new Uint8Array(PIECE_HEADER_BYTES + data.length);
  writeUint48(viewOf(piece), 0, seq);
  piece[6] = index;
  piece[7] = count;
  piece.set(data, PIECE_HEADER_BYTES);
  return piece;
}

/** @param piece - as `writePiece` wrote it */
export function writeGroupFrame(
  signature: Uint8Array,
  batch: BatchPlace | undefined,
  piece: Uint8Array,
): Uint8Array {
  if (batch === undefined) return concat(Uint8Array.of(GROUP_MSG, MODE_SINGLE), signature, piece);
  const { leaf, salt, path } = batch;
  const place = Uint8Array.of(leaf, path.length / NODE_BYTES);
  return concat(Uint8Array.of(GROUP_MSG, MODE_BATCH), signature, place, salt, path, piece);
}

/** @returns views into `plaintext`; undefined for anything but one well-formed GROUP_MSG. */
export function parseGroupFrame(plaintext: Uint8Array): GroupFrame | undefined {
  const r = new Reader().over(plaintext);
  const type = r.u8();
  const mode = r.u8();
  if (type !== GROUP_MSG || mode > MODE_BATCH) return undefined;
  const signature = r.take(SIGNATURE_BYTES);
  const batch = mode === MODE_BATCH ? parsePlace(r) : undefined;
  const signed = r.bytes.subarray(r.at);
  const piece = parsePiece(r);
  return r.failed ? undefined : { ...piece, signature, batch, signed };
}

/** To the end. */
export function parsePiece(r: Reader): Piece {
  const piece = { seq: r.u48(), index: r.u8(), count: r.u8(), data: r.rest() };
  if (piece.index >= piece.count) r.failed = true;
  return piece;
}

function parsePlace(r: Reader): BatchPlace {
  const leaf = r.u8();
  const depth = r.u8();
  const salt = r.take(SALT_BYTES);
  const path = r.take(NODE_BYTES * depth);
  if (depth < 1 || depth > BATCH_DEPTH_MAX || leaf >= 2 ** depth) r.failed = true;
  return { leaf, salt, path };
}
