/** The hashes of a transfer: docs/PROTOCOL.md, "Transfer". */
import { ascii, concat, toHex, viewOf } from "../base/bytes.ts";

/** Files are read, hashed, sent, written and journalled in units of this many bytes. */
export const UNIT_BYTES: number = 1024 * 1024;
export const HASH_BYTES = 32;
export const TRANSFER_ID_BYTES = 16;

/** 32 bytes of BLAKE3. */
export type Blake3 = (data: Uint8Array) => Uint8Array;

const FILE_LABEL = ascii("mp2p/1 file\0");
const TRANSFER_LABEL = ascii("mp2p/1 transfer id\0");
const INBOX_LABEL = ascii("mp2p/1 inbox\0");
const CAST_LABEL = ascii("mp2p/1 cast files\0");
const CAST_INBOX_LABEL = ascii("mp2p/1 cast inbox\0");
const PART_LABEL = ascii("mp2p/1 part\0");

export function unitCount(size: number): number {
  return Math.ceil(size / UNIT_BYTES);
}

/** Bytes of one unit: all are full but the last. */
export function unitLength(size: number, unit: number): number {
  return Math.min(UNIT_BYTES, size - unit * UNIT_BYTES);
}

/** @param hashes - the unit hashes one after the other, none for an empty file */
export function fileRoot(blake3: Blake3, size: number, hashes: Uint8Array): Uint8Array {
  const sizeBytes = new Uint8Array(8);
  viewOf(sizeBytes).setBigUint64(0, BigInt(size));
  return blake3(concat(FILE_LABEL, sizeBytes, hashes));
}

/** The same paths sent to the same peer make the same id, so a second attempt resumes the first. */
export function deriveTransferId(
  blake3: Blake3,
  receiverKey: Uint8Array,
  absolutePaths: readonly string[],
): Uint8Array {
  const paths = new TextEncoder().encode(absolutePaths.join("\0"));
  return blake3(concat(TRANSFER_LABEL, receiverKey, paths)).subarray(0, TRANSFER_ID_BYTES);
}

/** Bound to the sender's key: nobody reaches what another sender left unfinished. */
export function inboxName(blake3: Blake3, senderKey: Uint8Array, transferId: Uint8Array): string {
  return toHex(blake3(concat(INBOX_LABEL, senderKey, transferId)).subarray(0, 16));
}

/** The same paths cast by the same key make the same id, so a second attempt resumes the first. */
export function deriveCastId(
  blake3: Blake3,
  senderKey: Uint8Array,
  absolutePaths: readonly string[],
): Uint8Array {
  const paths = new TextEncoder().encode(absolutePaths.join("\0"));
  return blake3(concat(CAST_LABEL, senderKey, paths)).subarray(0, TRANSFER_ID_BYTES);
}

/** As `inboxName`, for casts, whose part files are kept in another way. */
export function castInboxName(blake3: Blake3, senderKey: Uint8Array, castId: Uint8Array): string {
  return toHex(blake3(concat(CAST_INBOX_LABEL, senderKey, castId)).subarray(0, 16));
}

/** Name of a part file and its journal, without the ending. */
export function partName(blake3: Blake3, path: string): string {
  return toHex(blake3(concat(PART_LABEL, new TextEncoder().encode(path))).subarray(0, 16));
}
