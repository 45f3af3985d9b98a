/**
 * From the end of a handshake to packet keys and the exporter. docs/PROTOCOL.md, "Key schedule".
 * The suite is part of each label: no key serves two ciphers, whatever was negotiated.
 */
import type { PacketKeys, Primitives, Suite } from "../backend/port.ts";
import { ascii, concat } from "../base/bytes.ts";
import type { NoiseResult } from "./handshake-state.ts";

const PACKET_KEY_BYTES = 32;
const IV_BYTES = 12;
const EMPTY: Uint8Array = new Uint8Array(0);
const KEY_LABEL: Uint8Array = ascii("mp2p/1 key\0");
const IV_LABEL: Uint8Array = ascii("mp2p/1 iv\0");
const EXPORTER_LABEL: Uint8Array = ascii("mp2p/1 exporter\0");

/** Lane 0's keys of one direction; `secret` is that direction's key of Noise's Split(). */
export function packetKeys(
  primitives: Primitives,
  secret: Uint8Array,
  suite: Suite,
  cid: Uint8Array,
): PacketKeys {
  const suiteByte = Uint8Array.of(suite);
  const expand = (label: Uint8Array, length: number) =>
    primitives.hkdfSha512(EMPTY, secret, concat(label, suiteByte), length);
  return {
    suite,
    key: expand(KEY_LABEL, PACKET_KEY_BYTES),
    iv: expand(IV_LABEL, IV_BYTES),
    lane: 0,
    cid,
  };
}

/** 64 bytes that only the two ends of this handshake know. */
export function exporter(primitives: Primitives, result: NoiseResult): Uint8Array {
  const secret = concat(result.initiatorKey, result.responderKey);
  return primitives.hmacSha512(secret, concat(EXPORTER_LABEL, result.hash));
}
