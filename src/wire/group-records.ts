/**
 * Records on the stream between two members of a group (service `group/1`): length u16 | type u8 | body.
 * Byte table: docs/PROTOCOL.md, "Secure groups".
 */
import { concat, viewOf, writeUint48 } from "../base/bytes.ts";
import { type Piece, parsePiece, writePiece } from "./group-frames.ts";
import { Reader } from "./reader.ts";

export const GROUP_SERVICE = "group/1";
export const RUN_BYTES = 8;
export const PROOF_BYTES = 32;
export const SENDER_KEY_BYTES = 32;
export const HELLO_PROOFS_MAX = 4;
export const NACK_ENTRIES_MAX = 64;
const VERSION = 1;
const RECORD_BYTES_MAX = 4096;
const MASK_BYTES_MAX = 32;
const KEY_BYTES = 32;

const TYPE = {
  hello: 1,
  welcome: 2,
  refuse: 3,
  key: 4,
  keyHeld: 5,
  head: 6,
  done: 7,
  nack: 8,
  gone: 9,
  alive: 10,
  leave: 11,
  remove: 12,
  deaf: 13,
  loss: 14,
  feed: 15,
  piece: 16,
} as const;

const FLAG = { reliable: 1, ipv4: 2, ipv6: 4 } as const;

export const REFUSAL = { notAllowed: 1, full: 2, removed: 3 } as const;

/** Messages that a receiver lacks. */
export interface Missing {
  readonly seq: number;
  /** Consecutive whole messages from `seq` on; 1 where `pieces` says which parts. */
  readonly messages: number;
  /** Bit i, lowest first: piece i is missing. Empty: all of them. */
  readonly pieces: Uint8Array;
}

export interface Hears {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

export type GroupRecord =
  /** Proof of membership, one for each of the session's newest exporters. */
  | { readonly type: "hello"; readonly run: Uint8Array; readonly proofs: readonly Uint8Array[] }
  | { readonly type: "welcome"; readonly run: Uint8Array; readonly proof: Uint8Array }
  | { readonly type: "refuse"; readonly code: number }
  /** The sender key of an epoch; messages from number `seq` on are the receiver's. */
  | {
      readonly type: "key";
      readonly epoch: number;
      readonly seq: number;
      readonly reliable: boolean;
      /** Which of the group's addresses the sender of this record hears. */
      readonly hears: Hears;
      readonly key: Uint8Array;
    }
  | { readonly type: "keyHeld"; readonly epoch: number }
  /** Every message below `seq` was sent. */
  | { readonly type: "head"; readonly seq: number }
  /** Every message below `seq` is held or given up. */
  | { readonly type: "done"; readonly seq: number }
  | { readonly type: "nack"; readonly missing: readonly Missing[] }
  /** Messages below `seq` can be had no more. */
  | { readonly type: "gone"; readonly seq: number }
  | { readonly type: "alive" }
  | { readonly type: "leave" }
  /** By the owner of a group: this key is a member no more. */
  | { readonly type: "remove"; readonly key: Uint8Array }
  /** Whether the multicast of this peer does not arrive here. */
  | { readonly type: "deaf"; readonly deaf: boolean }
  /** Packets of this peer that came and that were missing, since the last such record. */
  | { readonly type: "loss"; readonly received: number; readonly lost: number }
  /** Whether what this peer says is to come by this stream: somebody makes up packets in its name. */
  | { readonly type: "feed"; readonly feed: boolean }
  /** A piece that did not go to the group, or not only there. */
  | ({ readonly type: "piece" } & Piece);

export function writeGroupRecord(record: GroupRecord): Uint8Array {
  const body = writeBody(record);
  const head = new Uint8Array(3);
  viewOf(head).setUint16(0, 1 + body.length);
  head[2] = TYPE[record.type];
  return concat(head, body);
}

function writeBody(record: GroupRecord): Uint8Array {
  switch (record.type) {
    case "hello":
      return concat(Uint8Array.of(VERSION), record.run, ...record.proofs);
    case "welcome":
      return concat(record.run, record.proof);
    case "refuse":
      return Uint8Array.of(record.code);
    case "key":
      return concat(
        u32(record.epoch),
        u48(record.seq),
        Uint8Array.of(flagsOf(record.reliable, record.hears)),
        record.key,
      );
    case "keyHeld":
      return u32(record.epoch);
    case "head":
    case "done":
    case "gone":
      return u48(record.seq);
    case "nack":
      return concat(...record.missing.map(writeMissing));
    case "alive":
    case "leave":
      return new Uint8Array(0);
    case "remove":
      return record.key;
    case "deaf":
      return Uint8Array.of(record.deaf ? 1 : 0);
    case "feed":
      return Uint8Array.of(record.feed ? 1 : 0);
    case "piece":
      return writePiece(record);
    case "loss":
      return concat(u32(record.received), u32(record.lost));
  }
}

function flagsOf(reliable: boolean, { ipv4, ipv6 }: Hears): number {
  return (reliable ? FLAG.reliable : 0) | (ipv4 ? FLAG.ipv4 : 0) | (ipv6 ? FLAG.ipv6 : 0);
}

function writeMissing({ seq, messages, pieces }: Missing): Uint8Array {
  const counts = new Uint8Array(3);
  viewOf(counts).setUint16(0, messages);
  counts[2] = pieces.length;
  return concat(u48(seq), counts, pieces);
}

/** @param bytes - a record without its length. @returns undefined for anything malformed */
function parseGroupRecord(bytes: Uint8Array): GroupRecord | undefined {
  const r = new Reader().over(bytes);
  const record = parseBody(r, r.u8());
  return r.failed || r.left > 0 ? undefined : record;
}

function parseBody(r: Reader, type: number): GroupRecord | undefined {
  switch (type) {
    case TYPE.hello:
      return parseHello(r);
    case TYPE.welcome:
      return { type: "welcome", run: r.take(RUN_BYTES), proof: r.take(PROOF_BYTES) };
    case TYPE.refuse:
      return { type: "refuse", code: r.u8() };
    case TYPE.key: {
      const [epoch, seq, flags] = [r.u32(), r.u48(), r.u8()];
      const hears = { ipv4: (flags & FLAG.ipv4) !== 0, ipv6: (flags & FLAG.ipv6) !== 0 };
      const reliable = (flags & FLAG.reliable) !== 0;
      return { type: "key", epoch, seq, reliable, hears, key: r.take(SENDER_KEY_BYTES) };
    }
    case TYPE.keyHeld:
      return { type: "keyHeld", epoch: r.u32() };
    case TYPE.alive:
      return { type: "alive" };
    case TYPE.leave:
      return { type: "leave" };
    case TYPE.remove:
      return { type: "remove", key: r.take(KEY_BYTES) };
    default:
      return parseReport(r, type);
  }
}

function parseReport(r: Reader, type: number): GroupRecord | undefined {
  switch (type) {
    case TYPE.head:
      return { type: "head", seq: r.u48() };
    case TYPE.done:
      return { type: "done", seq: r.u48() };
    case TYPE.gone:
      return { type: "gone", seq: r.u48() };
    case TYPE.nack:
      return parseNack(r);
    case TYPE.deaf:
      return { type: "deaf", deaf: parseFlag(r) };
    case TYPE.loss:
      return { type: "loss", received: r.u32(), lost: r.u32() };
    case TYPE.feed:
      return { type: "feed", feed: parseFlag(r) };
    case TYPE.piece:
      return { type: "piece", ...parsePiece(r) };
    default:
      return undefined;
  }
}

function parseFlag(r: Reader): boolean {
  const flag = r.u8();
  if (flag > 1) r.failed = true;
  return flag === 1;
}

function parseHello(r: Reader): GroupRecord | undefined {
  if (r.u8() !== VERSION) return undefined;
  const run = r.take(RUN_BYTES);
  const proofs: Uint8Array[] = [];
  while (r.left > 0 && !r.failed) proofs.push(r.take(PROOF_BYTES));
  if (proofs.length > HELLO_PROOFS_MAX) return undefined;
  return { type: "hello", run, proofs };
}

function parseNack(r: Reader): GroupRecord | undefined {
  const missing: Missing[] = [];
  while (r.left > 0 && !r.failed) {
    const [seq, messages] = [r.u48(), r.u16()];
    const pieces = r.take(r.u8());
    const isOdd = messages === 0 || (pieces.length > 0 && messages > 1);
    if (isOdd || pieces.length > MASK_BYTES_MAX) return undefined;
    missing.push({ seq, messages, pieces });
  }
  return missing.length > NACK_ENTRIES_MAX ? undefined : { type: "nack", missing };
}

/** Cuts a stream of bytes into records. */
export class GroupRecordReader {
  #bytes: Uint8Array = new Uint8Array(0);

  /** @returns records in order; "malformed" once the stream cannot be followed any more */
  push(chunk: Uint8Array): GroupRecord[] | "malformed" {
    let bytes = concat(this.#bytes, chunk);
    const records: GroupRecord[] = [];
    while (bytes.length >= 2) {
      const length = viewOf(bytes).getUint16(0);
      if (length > RECORD_BYTES_MAX) return "malformed";
      if (bytes.length < 2 + length) break;
      const record = parseGroupRecord(bytes.slice(2, 2 + length));
      if (record === undefined) return "malformed";
      records.push(record);
      bytes = bytes.subarray(2 + length);
    }
    this.#bytes = bytes;
    return records;
  }
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

function u48(value: number): Uint8Array {
  const bytes = new Uint8Array(6);
  writeUint48(viewOf(bytes), 0, value);
  return bytes;
}
