/** JOIN, by which a receiver asks for a cast, and KEY, by which it gets it. docs/PROTOCOL.md, "Cast". */
import type { Primitives, Suite } from "../../backend/port.ts";
import { ascii, concat, viewOf, writeUint48 } from "../../base/bytes.ts";
import { Reader } from "../../wire/reader.ts";
import { RECORD, record, uint32 } from "./records.ts";

const VERSION = 1;
const SUITES: readonly number[] = [1, 2];
const PROOF_LABEL: Uint8Array = ascii("mp2p/1 cast join\0");
const PROOF_BYTES = 32;
export const CAST_ID_BYTES = 16;
const KEY_BYTES = 32;
const GROUPS_MOST = 4;
/** Bits of the bitmap in STATUS. */
export const CHANNELS_MOST = 32;
const LIVE = 1;
const MANIFEST_MOST_BYTES: number = 64 * 1024 * 1024;

export interface Join {
  readonly castId: Uint8Array;
  readonly suites: readonly number[];
  /** Bytes the kernel holds for the receiver. */
  readonly receiveBufferBytes: number;
  /** Of the ticket's secret; empty where it has none. */
  readonly proof: Uint8Array;
}

/** What who has the secret can say, in one session only: both keys are in it. */
export function joinProof(
  primitives: Primitives,
  secret: Uint8Array,
  castId: Uint8Array,
  sender: Uint8Array,
  receiver: Uint8Array,
): Uint8Array {
  const message = concat(PROOF_LABEL, castId, sender, receiver);
  return primitives.hmacSha512(secret, message).slice(0, PROOF_BYTES);
}

export function joinRecord(join: Join): Uint8Array {
  return record(
    RECORD.JOIN,
    Uint8Array.of(VERSION),
    join.castId,
    Uint8Array.of(join.suites.length, ...join.suites),
    uint32(Math.min(join.receiveBufferBytes, 0xffff_ffff)),
    join.proof,
  );
}

export function parseJoin(body: Uint8Array): Join | undefined {
  const reader = new Reader().over(body);
  if (reader.u8() !== VERSION) return undefined;
  const castId = reader.take(CAST_ID_BYTES);
  const suites = [...reader.take(reader.u8())];
  const receiveBufferBytes = reader.u32();
  const proof = reader.rest();
  const isWhole = proof.length === 0 || proof.length === PROOF_BYTES;
  return reader.failed || !isWhole ? undefined : { castId, suites, receiveBufferBytes, proof };
}

export interface CastKey {
  readonly suite: Suite;
  readonly packetBytes: number;
  /** Ed25519 key of block hashes, made for this cast. */
  readonly authKey: Uint8Array;
  /** From which the keys of all channels follow: a secret. */
  readonly senderKey: Uint8Array;
  /** undefined for a live cast. */
  readonly bytes: number | undefined;
  readonly manifestBytes: number;
  readonly manifestHash: Uint8Array;
  /** Blocks that were sent before. */
  readonly sentBlocks: number;
  /** Channels 0 to `channels` - 1 may be heard. */
  readonly channels: number;
  readonly groups: readonly string[];
}

export function keyRecord(key: CastKey): Uint8Array {
  const numbers = new Uint8Array(20);
  const view = viewOf(numbers);
  view.setUint8(0, key.suite);
  view.setUint16(1, key.packetBytes);
  view.setUint8(3, key.bytes === undefined ? LIVE : 0);
  writeUint48(view, 4, key.bytes ?? 0);
  view.setUint32(10, key.manifestBytes);
  view.setUint32(14, key.sentBlocks);
  view.setUint8(18, key.channels);
  view.setUint8(19, key.groups.length);
  const groups = key.groups.map((group) => concat(Uint8Array.of(group.length), ascii(group)));
  return record(RECORD.KEY, numbers, key.authKey, key.senderKey, key.manifestHash, ...groups);
}

export function parseKeyRecord(body: Uint8Array): CastKey | undefined {
  const reader = new Reader().over(body);
  const suite = reader.u8();
  const packetBytes = reader.u16();
  const live = reader.u8() === LIVE;
  const bytes = reader.u48();
  const manifestBytes = reader.u32();
  const sentBlocks = reader.u32();
  const channels = reader.u8();
  const groupCount = reader.u8();
  const authKey = reader.take(KEY_BYTES);
  const senderKey = reader.take(KEY_BYTES);
  const manifestHash = reader.take(KEY_BYTES);
  const groups: string[] = [];
  for (let index = 0; index < Math.min(groupCount, GROUPS_MOST); index++) {
    groups.push(String.fromCharCode(...reader.take(reader.u8())));
  }
  const sizes = packetBytes >= 80 && packetBytes <= 8972 && packetBytes % 2 === 0;
  const counts = channels <= CHANNELS_MOST && groupCount <= GROUPS_MOST;
  if (reader.failed || !sizes || !counts || !SUITES.includes(suite)) return undefined;
  if (manifestBytes > MANIFEST_MOST_BYTES) return undefined;
  return {
    suite: suite as Suite,
    packetBytes,
    authKey,
    senderKey,
    bytes: live ? undefined : bytes,
    manifestBytes,
    manifestHash,
    sentBlocks,
    channels,
    groups,
  };
}
