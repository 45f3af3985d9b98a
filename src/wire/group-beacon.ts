/**
 * Announcement of a group's member (type 0x58, kind 2), readable for who knows the group. Byte table:
 * docs/PROTOCOL.md, "Secure groups".
 *
 *   0 type = 0x58 | 1 version = 1 | 2 kind = 2 | 3 zero | 4-19 nonce | 20- sealed body and tag
 *   body: key 32 | instance 8 | number 6 | signature 64
 */
import { concat, viewOf, writeUint48 } from "../base/bytes.ts";
import { Reader } from "./reader.ts";

export const ANNOUNCE_KIND_GROUP = 2;
export const BEACON_NONCE_BYTES = 16;
export const BEACON_HEADER: Uint8Array = Uint8Array.of(0x58, 1, ANNOUNCE_KIND_GROUP, 0);
const TAG_BYTES = 16;
const BODY_BYTES = 32 + 8 + 6 + 64;
const BEACON_BYTES: number = BEACON_HEADER.length + BEACON_NONCE_BYTES + BODY_BYTES + TAG_BYTES;

export interface BeaconBody {
  /** Ed25519 public key and endpoint instance of the member. */
  readonly key: Uint8Array;
  readonly instance: Uint8Array;
  /** Rises with every announcement of this endpoint. */
  readonly number: number;
}

/** What the member signs, after a label and the group's id. */
export function writeBeaconBody({ key, instance, number }: BeaconBody): Uint8Array {
  const count = new Uint8Array(6);
  writeUint48(viewOf(count), 0, number);
  return concat(key, instance, count);
}

/** @param bytes - an opened body. @returns views into it */
export function parseBeaconBody(
  bytes: Uint8Array,
): (BeaconBody & { readonly signature: Uint8Array; readonly signed: Uint8Array }) | undefined {
  const r = new Reader().over(bytes);
  const key = r.take(32);
  const instance = r.take(8);
  const number = r.u48();
  const signed = bytes.subarray(0, r.at);
  const signature = r.take(64);
  return r.failed || r.left > 0 ? undefined : { key, instance, number, signature, signed };
}

/** @returns nonce and sealed body, views; undefined for anything but a group's announcement */
export function splitBeacon(
  packet: Uint8Array,
): { readonly nonce: Uint8Array; readonly sealed: Uint8Array } | undefined {
  if (packet.length !== BEACON_BYTES) return undefined;
  for (let at = 0; at < BEACON_HEADER.length; at++)
    if (packet[at] !== BEACON_HEADER[at]) return undefined;
  const body = BEACON_HEADER.length + BEACON_NONCE_BYTES;
  return { nonce: packet.subarray(BEACON_HEADER.length, body), sealed: packet.subarray(body) };
}
