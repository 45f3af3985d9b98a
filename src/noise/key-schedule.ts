/**
 * From the end of a handshake to packet keys and the exporter. docs/PROTOCOL.md, "Key schedule".
 * The suite is part of each label: no key serves two ciphers, whatever was negotiated.
 */
import type { Primitives, Suite } from "../backend/port.ts";
import { ascii, concat } from "../base/bytes.ts";

const PACKET_KEY_BYTES = 32;
const IV_BYTES = 12;
const DIRECTION_BYTES: number = PACKET_KEY_BYTES + IV_BYTES;
const EMPTY: Uint8Array = new Uint8Array(0);
const KEY_LABEL: Uint8Array = ascii("mp2p/1 key\0");
const IV_LABEL: Uint8Array = ascii("mp2p/1 iv\0");
const EXPORTER_LABEL: Uint8Array = ascii("mp2p/1 exporter\0");

/** Both transport keys of Noise's Split, 32 bytes each, and the name of the transcript, 64 bytes. */
export interface NoiseResult {
  readonly initiatorKey: Uint8Array;
  readonly responderKey: Uint8Array;
  readonly hash: Uint8Array;
}

/** Of one direction. */
export interface DirectionKeys {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly iv: Uint8Array;
}

export interface TransportKeys {
  /** Under which the initiator sends. */
  readonly initiator: DirectionKeys;
  readonly responder: DirectionKeys;
  /** 64 bytes that only the two ends of this handshake know. */
  readonly exporter: Uint8Array;
}

export function transportKeys(
  primitives: Primitives,
  result: NoiseResult,
  suite: Suite,
): TransportKeys {
  const suiteByte = Uint8Array.of(suite);
  const direction = (secret: Uint8Array): DirectionKeys => {
    const expand = (label: Uint8Array, length: number) =>
      primitives.hkdfSha512(EMPTY, secret, concat(label, suiteByte), length);
    return { key: expand(KEY_LABEL, PACKET_KEY_BYTES), iv: expand(IV_LABEL, IV_BYTES) };
  };
  const secret = concat(result.initiatorKey, result.responderKey);
  return {
    initiator: direction(result.initiatorKey),
    responder: direction(result.responderKey),
    exporter: primitives.hmacSha512(secret, concat(EXPORTER_LABEL, result.hash)),
  };
}

/** What a backend's own step made of the whole schedule: backend/noise-steps.ts. */
export function transportKeysIn(bytes: Uint8Array): TransportKeys {
  const direction = (at: number): DirectionKeys => ({
    key: bytes.subarray(at, at + PACKET_KEY_BYTES),
    iv: bytes.subarray(at + PACKET_KEY_BYTES, at + DIRECTION_BYTES),
  });
  return {
    initiator: direction(0),
    responder: direction(DIRECTION_BYTES),
    exporter: bytes.slice(2 * DIRECTION_BYTES),
  };
}
