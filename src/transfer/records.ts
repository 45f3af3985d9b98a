/**
 * The records of a transfer, big endian: type 1 | length of the body 4 | body.
 * Byte tables: docs/PROTOCOL.md, "Transfer". Readers return undefined for bodies that are not exactly
 * as the table says; names and numbers beyond limits are the caller's to refuse.
 */
import { ascii, concat, viewOf } from "../base/bytes.ts";
import { HASH_BYTES, TRANSFER_ID_BYTES } from "./hashes.ts";

export const VERSION = 1;
export const RECORD_HEADER_BYTES = 5;

export const RECORD = {
  hello: 0x01,
  entry: 0x02,
  offered: 0x03,
  file: 0x05,
  unit: 0x06,
  finish: 0x07,
  fail: 0x08,
  end: 0x09,
  abort: 0x0f,
  accept: 0x42,
  have: 0x43,
  result: 0x44,
  go: 0x45,
  confirm: 0x46,
  done: 0x47,
} as const;

/** Fixed part of the records whose rest is file content. */
export const FILE_HEAD_BYTES: number = 4 + HASH_BYTES;
export const UNIT_HEAD_BYTES: number = 8 + HASH_BYTES;

export const KIND = { file: 1, folder: 2, link: 3 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** One file, folder or link as offered; its number is its place in the offer. */
export interface Entry {
  readonly kind: Kind;
  /** Undefined where the bytes are not UTF-8. */
  readonly path: string | undefined;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  readonly mtimeNs: bigint;
  /** 0 for folders and links. */
  readonly size: number;
  /** Of a link; undefined where the bytes are not UTF-8. */
  readonly target: string | undefined;
}

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function record(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const header = new Uint8Array(RECORD_HEADER_BYTES);
  const bytes = concat(header, ...parts);
  bytes[0] = type;
  viewOf(bytes).setUint32(1, bytes.length - RECORD_HEADER_BYTES);
  return bytes;
}

export function helloRecord(transferId: Uint8Array): Uint8Array {
  return record(RECORD.hello, Uint8Array.of(VERSION), transferId);
}

export function readHello(
  body: Uint8Array,
): { readonly version: number; readonly transferId: Uint8Array } | undefined {
  if (body.length < 1 + TRANSFER_ID_BYTES) return undefined;
  return { version: body[0] as number, transferId: body.slice(1, 1 + TRANSFER_ID_BYTES) };
}

const ENTRY_AT = { kind: 0, mode: 1, mtime: 3, size: 11, pathLength: 19, path: 21 } as const;

export function entryRecord(entry: Entry): Uint8Array {
  const path = encoder.encode(entry.path ?? "");
  const target = encoder.encode(entry.target ?? "");
  const fixed = new Uint8Array(ENTRY_AT.path);
  const view = viewOf(fixed);
  fixed[ENTRY_AT.kind] = entry.kind;
  view.setUint16(ENTRY_AT.mode, entry.mode);
  view.setBigInt64(ENTRY_AT.mtime, entry.mtimeNs);
  view.setBigUint64(ENTRY_AT.size, BigInt(entry.size));
  view.setUint16(ENTRY_AT.pathLength, path.length);
  return record(RECORD.entry, fixed, path, target);
}

export function readEntry(body: Uint8Array): Entry | undefined {
  if (body.length < ENTRY_AT.path) return undefined;
  const view = viewOf(body);
  const kind = body[ENTRY_AT.kind] as Kind;
  if (kind < KIND.file || kind > KIND.link) return undefined;
  const size = Number(view.getBigUint64(ENTRY_AT.size));
  if (!Number.isSafeInteger(size) || (kind !== KIND.file && size !== 0)) return undefined;
  const targetAt = ENTRY_AT.path + view.getUint16(ENTRY_AT.pathLength);
  if (targetAt > body.length || (kind !== KIND.link && targetAt !== body.length)) return undefined;
  return {
    kind,
    path: textOf(body.subarray(ENTRY_AT.path, targetAt)),
    mode: view.getUint16(ENTRY_AT.mode) & 0o777,
    mtimeNs: view.getBigInt64(ENTRY_AT.mtime),
    size,
    target: kind === KIND.link ? textOf(body.subarray(targetAt)) : undefined,
  };
}

export function offeredRecord(entries: number, bytes: number): Uint8Array {
  return record(RECORD.offered, uint32(entries), uint64(bytes));
}

export function readOffered(
  body: Uint8Array,
): { readonly entries: number; readonly bytes: number } | undefined {
  if (body.length !== 12) return undefined;
  const view = viewOf(body);
  return { entries: view.getUint32(0), bytes: Number(view.getBigUint64(4)) };
}

/** Writes record header and head of a file or unit record in front of its content. */
export function putContentHead(
  into: Uint8Array,
  head: { readonly entry: number; readonly unit?: number; readonly hash: Uint8Array },
  contentBytes: number,
): void {
  const { entry, unit, hash } = head;
  into[0] = unit === undefined ? RECORD.file : RECORD.unit;
  putUint32(into, 1, (unit === undefined ? FILE_HEAD_BYTES : UNIT_HEAD_BYTES) + contentBytes);
  putUint32(into, 5, entry);
  if (unit !== undefined) putUint32(into, 9, unit);
  into.set(hash, unit === undefined ? 9 : 13);
}

/** @param head - FILE_HEAD_BYTES or UNIT_HEAD_BYTES long, which the parser sees to */
export function readContentHead(
  type: number,
  head: Uint8Array,
): { readonly entry: number; readonly unit: number; readonly hash: Uint8Array } {
  const unit = type === RECORD.unit;
  return {
    entry: uint32At(head, 0),
    unit: unit ? uint32At(head, 4) : 0,
    hash: head.slice(unit ? 8 : 4),
  };
}

export function finishRecord(entry: number, root: Uint8Array): Uint8Array {
  return record(RECORD.finish, uint32(entry), root);
}

export function readFinish(
  body: Uint8Array,
): { readonly entry: number; readonly root: Uint8Array } | undefined {
  if (body.length !== 4 + HASH_BYTES) return undefined;
  return { entry: viewOf(body).getUint32(0), root: body.slice(4) };
}

export interface Reason {
  /** One of ERROR_CODES; empty for none. */
  readonly code: string;
  readonly why: string;
}

/** Longer ones are cut, between characters: every record of a reason has 2,048 bytes at most. */
const MOST_WHY_BYTES = 1500;

export function reasonBytes(reason: Reason): Uint8Array {
  const code = ascii(reason.code);
  const space = new Uint8Array(MOST_WHY_BYTES);
  const why = space.subarray(0, encoder.encodeInto(reason.why, space).written);
  const length = new Uint8Array(2);
  viewOf(length).setUint16(0, why.length);
  return concat(Uint8Array.of(code.length), code, length, why);
}

const BARE: Reason = { code: "", why: "" };
const NO_REASON = new Uint8Array(3);

export function readReason(body: Uint8Array): Reason | undefined {
  if (body.length === 3 && body[0] === 0 && body[1] === 0 && body[2] === 0) return BARE;
  const whyAt = 3 + (body[0] ?? 0);
  if (body.length < whyAt) return undefined;
  if (body.length !== whyAt + viewOf(body).getUint16(whyAt - 2)) return undefined;
  const code = textOf(body.subarray(1, whyAt - 2));
  const why = textOf(body.subarray(whyAt));
  return code === undefined || why === undefined ? undefined : { code, why };
}

export function abortRecord(reason: Reason): Uint8Array {
  return record(RECORD.abort, reasonBytes(reason));
}

export function failRecord(entry: number, reason: Reason): Uint8Array {
  return record(RECORD.fail, uint32(entry), reasonBytes(reason));
}

export function readFail(
  body: Uint8Array,
): { readonly entry: number; readonly reason: Reason } | undefined {
  const reason = body.length < 4 ? undefined : readReason(body.subarray(4));
  return reason === undefined ? undefined : { entry: viewOf(body).getUint32(0), reason };
}

const RESULTS = ["written", "skipped", "renamed", "refused", "kept"] as const;

/** `kept`: written by an earlier attempt, nothing to send. */
export type WireResult = (typeof RESULTS)[number];

export function resultRecord(entry: number, result: WireResult, reason: Reason): Uint8Array {
  const isBare = reason.code === "" && reason.why === "";
  const tail = isBare ? NO_REASON : reasonBytes(reason);
  const bytes = new Uint8Array(RECORD_HEADER_BYTES + 5 + tail.length);
  bytes[0] = RECORD.result;
  putUint32(bytes, 1, 5 + tail.length);
  putUint32(bytes, 5, entry);
  bytes[9] = RESULTS.indexOf(result);
  bytes.set(tail, 10);
  return bytes;
}

export function readResult(
  body: Uint8Array,
): { readonly entry: number; readonly result: WireResult; readonly reason: Reason } | undefined {
  const reason = body.length < 5 ? undefined : readReason(body.subarray(5));
  const result = RESULTS[body[4] ?? RESULTS.length];
  if (reason === undefined || result === undefined) return undefined;
  return { entry: uint32At(body, 0), result, reason };
}

export function acceptRecord(resumeBytes: number): Uint8Array {
  return record(RECORD.accept, uint64(resumeBytes));
}

export function readAccept(body: Uint8Array): number | undefined {
  return body.length === 8 ? Number(viewOf(body).getBigUint64(0)) : undefined;
}

/** Most hashes of one `have`. */
export const HAVE_HASHES = 1024;

export function haveRecord(entry: number, first: number, hashes: Uint8Array): Uint8Array {
  return record(RECORD.have, uint32(entry), uint32(first), hashes);
}

export function readHave(
  body: Uint8Array,
): { readonly entry: number; readonly first: number; readonly hashes: Uint8Array } | undefined {
  const hashBytes = body.length - 8;
  if (hashBytes < HASH_BYTES || hashBytes % HASH_BYTES !== 0) return undefined;
  const view = viewOf(body);
  return { entry: view.getUint32(0), first: view.getUint32(4), hashes: body.slice(8) };
}

export function confirmRecord(confirmed: number, taken: number): Uint8Array {
  return record(RECORD.confirm, uint64(confirmed), uint64(taken));
}

export function readConfirm(
  body: Uint8Array,
): { readonly confirmed: number; readonly taken: number } | undefined {
  if (body.length !== 16) return undefined;
  const view = viewOf(body);
  return { confirmed: Number(view.getBigUint64(0)), taken: Number(view.getBigUint64(8)) };
}

/** A view for one number costs more than the number: records of small files are many. */
function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function uint32At(bytes: Uint8Array, at: number): number {
  const low = ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8);
  return (bytes[at] as number) * 0x100_0000 + (low | (bytes[at + 3] as number));
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, BigInt(value));
  return bytes;
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
