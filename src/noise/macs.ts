/**
 * Who an INIT is for, and that its sender can be reached where it says. docs/PROTOCOL.md, "Macs and
 * cookies". This is the initiator's half; the responder's is the socket's stranger filter.
 */
import type { Addressee, Primitives } from "../backend/port.ts";
import { ascii, concat, equalBytes } from "../base/bytes.ts";
import { COOKIE, COOKIE_BYTES, INIT, INIT_BYTES, PACKET } from "../wire/handshake-packets.ts";

const MAC_KEY_BYTES = 32;
const MAC1_LABEL: Uint8Array = ascii("mp2p/1 mac1\0");
const COOKIE_LABEL: Uint8Array = ascii("mp2p/1 cookie\0");
const COOKIE_BOX_INFO: Uint8Array = ascii("mp2p/1 cookie box\0");
const ZERO_NONCE: Uint8Array = new Uint8Array(12);

/** The target of an INIT for any endpoint of a key that accepts strangers. */
export const ANY_INSTANCE: Uint8Array = new Uint8Array(8);

/**
 * Keys that prove nothing but knowledge of the addressee.
 *
 * @param key - the responder's Ed25519 public key, 32 bytes
 * @param network - 16 bytes, zeros for none
 * @param target - the responder's instance, 8 bytes, or ANY_INSTANCE
 */
export function addressee(
  primitives: Primitives,
  key: Uint8Array,
  network: Uint8Array,
  target: Uint8Array,
): Addressee {
  const hash = (...parts: Uint8Array[]) =>
    primitives.sha512(concat(...parts)).slice(0, MAC_KEY_BYTES);
  return {
    mac1Key: hash(MAC1_LABEL, key, network, target),
    cookieKey: hash(COOKIE_LABEL, key),
  };
}

/** Fills mac1 in. */
export function writeMac1(primitives: Primitives, mac1Key: Uint8Array, init: Uint8Array): void {
  const mac = primitives.hmacSha512(mac1Key, init.subarray(0, INIT.mac1));
  init.set(mac.subarray(0, INIT.mac2 - INIT.mac1), INIT.mac1);
}

/** Whether an INIT is meant for this addressee. */
export function isAddressed(
  primitives: Primitives,
  mac1Key: Uint8Array,
  init: Uint8Array,
): boolean {
  const mac = primitives.hmacSha512(mac1Key, init.subarray(0, INIT.mac1));
  return equalBytes(mac.subarray(0, INIT.mac2 - INIT.mac1), init.subarray(INIT.mac1, INIT.mac2));
}

/** Fills mac2 in, under the cookie that the responder gave this address. */
export function writeMac2(primitives: Primitives, cookie: Uint8Array, init: Uint8Array): void {
  const mac = primitives.hmacSha512(cookie, init.subarray(0, INIT.mac2));
  init.set(mac.subarray(0, INIT_BYTES - INIT.mac2), INIT.mac2);
}

/** @returns the 16-byte cookie, or undefined where the packet is no answer to this very INIT. */
export function openCookie(
  primitives: Primitives,
  cookieKey: Uint8Array,
  init: Uint8Array,
  packet: Uint8Array,
): Uint8Array | undefined {
  if (packet.length !== COOKIE_BYTES || packet[0] !== PACKET.cookie || packet[1] !== 1)
    return undefined;
  if (packet[2] !== 0 || packet[3] !== 0) return undefined;
  const nonce = packet.subarray(COOKIE.nonce, COOKIE.box);
  const key = primitives.hkdfSha512(nonce, cookieKey, COOKIE_BOX_INFO, MAC_KEY_BYTES);
  const mac1 = init.subarray(INIT.mac1, INIT.mac2);
  return primitives.open(key, ZERO_NONCE, mac1, packet.subarray(COOKIE.box));
}
