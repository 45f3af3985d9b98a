/**
 * AUTH, the control frame of a cast's group packets (0x19): where the sender is, and hashes of blocks,
 * all of it signed: whoever receives the cast has the key of its packets, and could make up the rest.
 * docs/PROTOCOL.md, "Cast".
 *
 *   type 1 | stamp us 4 | blocks sent 4 | status interval ms 2 | receivers 2 | flags 1 | n 1
 *   | n > 0: first block 4 | hash 32 * n
 *   | signature 64 | padding
 */
import type { Primitives } from "../../backend/port.ts";
import { ascii, concat, viewOf } from "../../base/bytes.ts";
import { Reader } from "../../wire/reader.ts";
import { HASH_BYTES, uint32 } from "./records.ts";

const FRAME_AUTH = 0x19;
const HEAD_BYTES = 15;
const SIGNATURE_BYTES = 64;
const LABEL: Uint8Array = ascii("mp2p/1 cast auth\0");
/** All that there is was sent: what is missing now is lost. */
const FLAG_REPORT = 1;

export interface AuthHead {
  /** Microseconds on the sender's clock, modulo 2^32: echoed in STATUS. */
  stamp: number;
  /** Blocks of which every source symbol has left. */
  sentBlocks: number;
  statusIntervalMs: number;
  receivers: number;
  /** Receivers are to report now. */
  report: boolean;
}

/** Hashes of blocks in a row. */
export interface HashPage {
  readonly first: number;
  readonly hashes: readonly Uint8Array[];
}

/** What signs: the cast and its Ed25519 seed. */
export interface AuthSigner {
  readonly primitives: Primitives;
  readonly castId: Uint8Array;
  readonly authSeed: Uint8Array;
}

/** Hashes that fit beside the rest in one packet of a cast. @param plaintextBytes - of one packet */
export function hashesPerPacket(plaintextBytes: number): number {
  const room = plaintextBytes - HEAD_BYTES - 4 - SIGNATURE_BYTES;
  return Math.max(0, Math.min(255, Math.floor(room / HASH_BYTES)));
}

/** @param padTo - plaintext bytes to fill up to: a packet of full size shows that such packets arrive */
export function authFrame(
  { primitives, castId, authSeed }: AuthSigner,
  head: AuthHead,
  page?: HashPage,
  padTo = 0,
): Uint8Array {
  const start = new Uint8Array(HEAD_BYTES);
  const view = viewOf(start);
  view.setUint8(0, FRAME_AUTH);
  view.setUint32(1, head.stamp);
  view.setUint32(5, head.sentBlocks);
  view.setUint16(9, head.statusIntervalMs);
  view.setUint16(11, head.receivers);
  view.setUint8(13, head.report ? FLAG_REPORT : 0);
  view.setUint8(14, page?.hashes.length ?? 0);
  const rest = page === undefined ? [] : [uint32(page.first), ...page.hashes];
  const signed = concat(start, ...rest);
  const signature = primitives.ed25519Sign(authSeed, concat(LABEL, castId, signed));
  const bytes = signed.length + SIGNATURE_BYTES;
  return concat(signed, signature, new Uint8Array(Math.max(0, padTo - bytes)));
}

export interface AuthFrame extends AuthHead {
  readonly first: number;
  readonly count: number;
  /** Hashes in a row; a view of the packet, as `signed` and `signature` are. */
  readonly hashes: Uint8Array;
  /** What the signature covers, besides label and cast id. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

export function parseAuthFrame(bytes: Uint8Array): AuthFrame | undefined {
  const reader = new Reader().over(bytes);
  if (reader.u8() !== FRAME_AUTH) return undefined;
  const stamp = reader.u32();
  const sentBlocks = reader.u32();
  const statusIntervalMs = reader.u16();
  const receivers = reader.u16();
  const report = (reader.u8() & FLAG_REPORT) !== 0;
  const count = reader.u8();
  const first = count === 0 ? 0 : reader.u32();
  const hashes = reader.take(count * HASH_BYTES);
  const signed = bytes.subarray(0, bytes.length - reader.left);
  const signature = reader.take(SIGNATURE_BYTES);
  if (reader.failed) return undefined;
  const head = { stamp, sentBlocks, statusIntervalMs, receivers, report };
  return { ...head, first, count, hashes, signed, signature };
}

export function isAuthentic(
  primitives: Primitives,
  authKey: Uint8Array,
  castId: Uint8Array,
  { signed, signature }: AuthFrame,
): boolean {
  return primitives.ed25519Verify(authKey, concat(LABEL, castId, signed), signature);
}
