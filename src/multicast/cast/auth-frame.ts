/**
 * AUTH, the control frame of a cast's group packets (0x19): where the sender is, and signed hashes of
 * blocks, so that no receiver writes what another receiver made up. docs/PROTOCOL.md, "Cast".
 *
 *   type 1 | stamp us 4 | blocks sent 4 | status interval ms 2 | receivers 2 | flags 1 | n 1
 *   | n > 0: first block 4 | hash 32 * n | signature 64 | padding
 */
import type { Primitives } from "../../backend/port.ts";
import { ascii, concat, viewOf } from "../../base/bytes.ts";
import { Reader } from "../../wire/reader.ts";
import { HASH_BYTES, uint32 } from "./records.ts";

export const FRAME_AUTH = 0x19;
const HEAD_BYTES = 15;
const SIGNATURE_BYTES = 64;
const LABEL: Uint8Array = ascii("mp2p/1 cast blocks\0");
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

export interface SignedHashes {
  readonly first: number;
  readonly hashes: readonly Uint8Array[];
  readonly signature: Uint8Array;
}

/** Hashes that fit beside the rest in one packet of a cast. @param plaintextBytes - of one packet */
export function hashesPerPacket(plaintextBytes: number): number {
  const room = plaintextBytes - HEAD_BYTES - 4 - SIGNATURE_BYTES;
  return Math.max(0, Math.min(255, Math.floor(room / HASH_BYTES)));
}

export function signHashes(
  primitives: Primitives,
  seed: Uint8Array,
  castId: Uint8Array,
  first: number,
  hashes: readonly Uint8Array[],
): SignedHashes {
  const signature = primitives.ed25519Sign(seed, signed(castId, first, concat(...hashes)));
  return { first, hashes, signature };
}

/** @param padTo - plaintext bytes to fill up to: a packet of full size shows that such packets arrive */
export function authFrame(head: AuthHead, signedHashes?: SignedHashes, padTo = 0): Uint8Array {
  const start = new Uint8Array(HEAD_BYTES);
  const view = viewOf(start);
  view.setUint8(0, FRAME_AUTH);
  view.setUint32(1, head.stamp);
  view.setUint32(5, head.sentBlocks);
  view.setUint16(9, head.statusIntervalMs);
  view.setUint16(11, head.receivers);
  view.setUint8(13, head.report ? FLAG_REPORT : 0);
  view.setUint8(14, signedHashes?.hashes.length ?? 0);
  const rest =
    signedHashes === undefined
      ? []
      : [uint32(signedHashes.first), ...signedHashes.hashes, signedHashes.signature];
  const frame = concat(start, ...rest);
  return frame.length >= padTo ? frame : concat(frame, new Uint8Array(padTo - frame.length));
}

export interface AuthFrame extends AuthHead {
  readonly first: number;
  readonly count: number;
  /** Hashes in a row; views of the packet, as the signature is. */
  readonly hashes: Uint8Array;
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
  const signature = reader.take(count === 0 ? 0 : SIGNATURE_BYTES);
  if (reader.failed) return undefined;
  return {
    stamp,
    sentBlocks,
    statusIntervalMs,
    receivers,
    report,
    first,
    count,
    hashes,
    signature,
  };
}

export function areAuthentic(
  primitives: Primitives,
  authKey: Uint8Array,
  castId: Uint8Array,
  { first, hashes, signature }: AuthFrame,
): boolean {
  return primitives.ed25519Verify(authKey, signed(castId, first, hashes), signature);
}

function signed(castId: Uint8Array, first: number, hashes: Uint8Array): Uint8Array {
  return concat(LABEL, castId, uint32(first), hashes);
}
