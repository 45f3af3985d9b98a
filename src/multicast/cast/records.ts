/**
 * Records of a `cast/1` stream: `type 1 | length 4 | body`. Byte tables: docs/PROTOCOL.md, "Cast".
 * This file has the types, their bounds, and the small ones; `key-record.ts` and `status-record.ts` the rest.
 */
import { ascii, concat, readUint48, viewOf, writeUint48 } from "../../base/bytes.ts";
import { ERROR_CODES, type ErrorCode } from "../../base/errors.ts";
import { Reader } from "../../wire/reader.ts";
import type { HeldBlock } from "./contract.ts";

export const CAST_SERVICE = "cast/1";

export const RECORD = {
  /** Receiver to sender. */
  JOIN: 1,
  HAVE: 2,
  READY: 3,
  STATUS: 4,
  COMPLETE: 5,
  DECLINE: 6,
  /** Sender to receiver. */
  KEY: 16,
  MANIFEST: 17,
  HASHES: 18,
  BLOCK: 19,
  MODE: 20,
  END: 21,
  ABORT: 22,
  DONE: 23,
  ALIVE: 24,
} as const;

export const RECORD_HEADER_BYTES = 5;
export const HASH_BYTES = 32;
/** Of a manifest in one record. */
export const MANIFEST_PART_BYTES = 65_536;
/** Hashes in one record: 32 KiB and 36 KiB. */
export const HASHES_MOST = 1024;
const TEXT_MOST = 500;
const COMPLETE_BYTES = 10;
const LOSS_SCALE = 0xffff_ffff;
/** A block of the largest packets there are, and its number. */
const BODY_MOST = 128 * 8972 + 4;

const MOST: ReadonlyMap<number, number> = new Map([
  [RECORD.JOIN, 256],
  [RECORD.HAVE, HASHES_MOST * (HASH_BYTES + 4)],
  [RECORD.READY, 1],
  [RECORD.STATUS, 16_384],
  [RECORD.COMPLETE, 24],
  [RECORD.DECLINE, 1024],
  [RECORD.KEY, 4096],
  [RECORD.MANIFEST, MANIFEST_PART_BYTES],
  [RECORD.HASHES, HASHES_MOST * HASH_BYTES + 4],
  [RECORD.BLOCK, BODY_MOST],
  [RECORD.MODE, 1],
  [RECORD.END, 6],
  [RECORD.ABORT, 1024],
  [RECORD.DONE, 0],
  [RECORD.ALIVE, 0],
]);

/** The longest body of a record of this type; undefined where there is no such type. */
export function longestBody(type: number): number | undefined {
  return MOST.get(type);
}

export function record(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = concat(new Uint8Array(RECORD_HEADER_BYTES), ...parts);
  bytes[0] = type;
  viewOf(bytes).setUint32(1, bytes.length - RECORD_HEADER_BYTES);
  return bytes;
}

export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

/** Why one side ends: an error's code and words for a person. */
export interface Reason {
  readonly code: ErrorCode;
  readonly why: string;
}

export function reasonRecord(type: number, { code, why }: Reason): Uint8Array {
  const text = utf8(why.slice(0, TEXT_MOST)).subarray(0, TEXT_MOST);
  return record(type, Uint8Array.of(code.length), ascii(code), text);
}

/** @returns a reason for a person; unknown codes are of a later version */
export function parseReason(body: Uint8Array): Reason {
  const reader = new Reader().over(body);
  const name = String.fromCharCode(...reader.take(reader.u8()));
  const code = ERROR_CODES.find((known) => known === name) ?? "MP2P_PROTOCOL";
  return { code, why: printable(fromUtf8(reader.rest())) };
}

/** Hashes of blocks in a row, from the sender to one receiver. */
export function hashesRecord(first: number, hashes: readonly Uint8Array[]): Uint8Array {
  return record(RECORD.HASHES, uint32(first), ...hashes);
}

/** What a receiver holds from before. A hash of zeros: it wants no such block. */
export function haveRecords(held: readonly HeldBlock[]): Uint8Array[] {
  const records: Uint8Array[] = [];
  const rowBytes = 4 + HASH_BYTES;
  const ascending = [...held].sort((a, b) => a.block - b.block);
  for (let at = 0; at < ascending.length; at += HASHES_MOST) {
    const rows = ascending.slice(at, at + HASHES_MOST);
    const body = new Uint8Array(rows.length * rowBytes);
    rows.forEach(({ block, hash }, index) => {
      viewOf(body).setUint32(index * rowBytes, block);
      body.set(hash, index * rowBytes + 4);
    });
    records.push(record(RECORD.HAVE, body));
  }
  return records;
}

/** What a receiver says when it has everything. @param lossRate - of the packets it should have heard */
export function completeRecord(bytes: number, lossRate: number): Uint8Array {
  const body = new Uint8Array(COMPLETE_BYTES);
  const view = viewOf(body);
  writeUint48(view, 0, bytes);
  view.setUint32(6, Math.round(lossRate * LOSS_SCALE));
  return record(RECORD.COMPLETE, body);
}

/** @returns undefined where it is not one */
export function parseComplete(
  body: Uint8Array,
): { readonly bytes: number; readonly lossRate: number } | undefined {
  if (body.length !== COMPLETE_BYTES) return undefined;
  const view = viewOf(body);
  return { bytes: readUint48(view, 0), lossRate: view.getUint32(6) / LOSS_SCALE };
}

export function blockRecord(block: number, bytes: Uint8Array): Uint8Array {
  return record(RECORD.BLOCK, uint32(block), bytes);
}

/** Text of a peer without what could move a terminal's cursor. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}

/** TextEncoder belongs to the runtime; the engine has none. */
function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text.replace(/[\ud800-\udfff]/gu, "?"));
  const bytes: number[] = [];
  for (let at = 0; at < escaped.length; at++) {
    const isEscape = escaped[at] === "%";
    bytes.push(
      isEscape ? Number.parseInt(escaped.slice(at + 1, at + 3), 16) : escaped.charCodeAt(at),
    );
    if (isEscape) at += 2;
  }
  return Uint8Array.from(bytes);
}

function fromUtf8(bytes: Uint8Array): string {
  let escaped = "";
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, "0")}`;
  try {
    return decodeURIComponent(escaped);
  } catch {
    return String.fromCharCode(...bytes.map((byte) => (byte < 0x80 ? byte : 0x3f)));
  }
}
