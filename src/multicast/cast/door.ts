/** How receivers are let in: JOIN is checked, KEY and the manifest are handed out. */
import type { Primitives } from "../../backend/port.ts";
import { equalSecrets, viewOf, writeUint48 } from "../../base/bytes.ts";
import type { BlockSource } from "./block-source.ts";
import { type CastKey, type Join, joinProof, keyRecord, parseJoin } from "./key-record.ts";
import type { Peer } from "./peer.ts";
import {
  HASH_BYTES,
  HASHES_MOST,
  hashesRecord,
  MANIFEST_PART_BYTES,
  RECORD,
  type Reason,
  reasonRecord,
  record,
} from "./records.ts";

export interface DoorOptions {
  readonly primitives: Primitives;
  readonly castId: Uint8Array;
  /** The sender's own key. */
  readonly key: Uint8Array;
  readonly secret: Uint8Array | undefined;
  readonly manifest: Uint8Array;
  admits(key: Uint8Array, done: (admitted: boolean) => void): void;
}

const NOT_ALLOWED: Reason = { code: "MP2P_NOT_ALLOWED", why: "this key may not receive the cast" };
export const TOO_LATE: Reason = {
  code: "MP2P_REFUSED",
  why: "it is live and has begun, and its beginning is gone (the sender can wait for all: --min)",
};

/** @param admitted - called where the peer may come in; else it was told why not */
export function knock(
  options: DoorOptions,
  peer: Peer,
  body: Uint8Array,
  admitted: (join: Join) => void,
): void {
  const join = parseJoin(body);
  if (join === undefined) {
    refuse(peer, { code: "MP2P_PROTOCOL", why: "a JOIN that makes no sense" });
    return;
  }
  const { primitives, castId, key, secret } = options;
  if (secret !== undefined) {
    const proof = joinProof(primitives, secret, castId, key, peer.key);
    if (!equalSecrets(proof, join.proof)) {
      refuse(peer, { ...NOT_ALLOWED, why: "the ticket's secret is wrong" });
      return;
    }
  }
  options.admits(peer.key, (isAdmitted) => {
    if (peer.outcome !== undefined) return;
    if (isAdmitted) admitted(join);
    else refuse(peer, NOT_ALLOWED);
  });
}

export function manifestRecords(manifest: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let at = 0; at < manifest.length; at += MANIFEST_PART_BYTES) {
    records.push(record(RECORD.MANIFEST, manifest.subarray(at, at + MANIFEST_PART_BYTES)));
  }
  return records;
}

/** Hands out what a cast is. @param manifest - as records */
export function handOut(peer: Peer, key: CastKey, manifest: readonly Uint8Array[]): void {
  peer.link.send(keyRecord(key));
  for (const part of manifest) peer.link.send(part);
}

/** Hashes of blocks [first, end), for a receiver that was not there when they were sent. */
export function sendHashes(peer: Peer, source: BlockSource, first: number, end: number): void {
  for (let from = first; from < end; from += HASHES_MOST) {
    const hashes: Uint8Array[] = [];
    for (let block = from; block < Math.min(end, from + HASHES_MOST); block++) {
      hashes.push(source.hash(block));
    }
    peer.link.send(hashesRecord(from, hashes));
  }
}

/** The length of a live content, which has ended. */
export function sendEnd(peer: Peer, bytes: number): void {
  const body = new Uint8Array(6);
  writeUint48(viewOf(body), 0, bytes);
  peer.link.send(record(RECORD.END, body));
}

/** Ranges of blocks that a receiver does not want: each costs memory and time here. */
const UNWANTED_RANGES_MOST = 1 << 16;

/**
 * Notes what a receiver holds from before.
 *
 * @param blocks - of the content. @param room - hashes there is memory for: what is beyond is sent anew
 * @returns false where nobody should keep track of all that
 */
export function readHeld(peer: Peer, body: Uint8Array, blocks: number, room: number): boolean {
  const most = peer.held.size + room;
  const view = viewOf(body);
  for (let at = 0; at + 4 + HASH_BYTES <= body.length; at += 4 + HASH_BYTES) {
    const block = view.getUint32(at);
    // Elsewhere than at its end, a set of many ranges takes long to grow.
    if (block < peer.haveBlock) return false;
    peer.haveBlock = block;
    if (block >= blocks) continue;
    // A view would keep the whole record for one hash.
    const hash = body.slice(at + 4, at + 4 + HASH_BYTES);
    const isHeld = hash.some((byte) => byte !== 0);
    if (isHeld && peer.held.size < most) peer.held.set(block, hash);
    else if (!isHeld) peer.covered.add(block, block + 1);
  }
  return peer.covered.size <= UNWANTED_RANGES_MOST;
}

export function refuse(peer: Peer, reason: Reason): void {
  peer.link.send(reasonRecord(RECORD.ABORT, reason));
  peer.outcome = "declined";
  peer.why = reason.why;
  peer.link.close();
}
