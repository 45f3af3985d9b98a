/**
 * Packets of a handshake, big endian, all of fixed size. docs/PROTOCOL.md, "Handshake packets".
 *
 *   INIT     0x50 | version 1 | pattern 1 | flags 1 | scid 8 | noise 340 | mac1 16 | mac2 16   384
 *   RESP     0x51 | version 1 | pattern 1 | flags 1 | dcid 8 | scid 8 | noise 300              320
 *   FIN      0x52 | version 1 | pattern 1 | flags 1 | dcid 8 | noise 244                       256
 *   COOKIE   0x53 | version 1 | 0 | 0 | dcid 8 | nonce 24 | box 32                              68
 *   VERNEG   0x54 | 0 | n 1 | 0 | dcid 8 | n versions                                       12 + n
 */
import { equalBytes } from "../base/bytes.ts";

export const PACKET = {
  init: 0x50,
  response: 0x51,
  fin: 0x52,
  cookie: 0x53,
  versions: 0x54,
} as const;
export const PROTOCOL_VERSION = 1;

/** Offsets that every version of the protocol keeps: docs/PROTOCOL.md, "Packets". */
const AT = { type: 0, version: 1, pattern: 2, flags: 3, cid: 4, answererCid: 12 } as const;
const CID_BYTES = 8;

export const INIT_BYTES = 384;
const RESPONSE_BYTES = 320;
const FIN_BYTES = 256;
export const COOKIE_BYTES = 68;
export const INIT = { noise: 12, mac1: 352, mac2: 368 } as const;
export const COOKIE = { nonce: 12, box: 36 } as const;
const RESPONSE_NOISE = 20;
const FIN_NOISE = 12;

export const PATTERN = { ik: 1, xx: 2, ikPsk2: 3, xxPsk3: 4 } as const;
export type Pattern = (typeof PATTERN)[keyof typeof PATTERN];

/** A well-formed handshake packet of version 1, its parts borrowed from the datagram. */
export interface HandshakePacket {
  readonly header: Uint8Array;
  readonly pattern: Pattern;
  /** Source id of an INIT, destination id of an answer, 8 bytes. */
  readonly cid: Uint8Array;
  readonly noise: Uint8Array;
}

export interface ResponsePacket extends HandshakePacket {
  /** The answerer's own id, 8 bytes. */
  readonly answererCid: Uint8Array;
}

export function parseInit(packet: Uint8Array): HandshakePacket | undefined {
  if (packet.length !== INIT_BYTES) return undefined;
  return parse(packet, PACKET.init, INIT.noise, INIT.mac1);
}

export function parseResponse(packet: Uint8Array): ResponsePacket | undefined {
  if (packet.length !== RESPONSE_BYTES) return undefined;
  const parsed = parse(packet, PACKET.response, RESPONSE_NOISE, RESPONSE_BYTES);
  return parsed && { ...parsed, answererCid: packet.subarray(AT.answererCid, RESPONSE_NOISE) };
}

export function parseFin(packet: Uint8Array): HandshakePacket | undefined {
  if (packet.length !== FIN_BYTES) return undefined;
  return parse(packet, PACKET.fin, FIN_NOISE, FIN_BYTES);
}

export function initHeader(pattern: Pattern, scid: Uint8Array): Uint8Array {
  return header(PACKET.init, pattern, INIT.noise, scid);
}

export function responseHeader(pattern: Pattern, dcid: Uint8Array, scid: Uint8Array): Uint8Array {
  const bytes = header(PACKET.response, pattern, RESPONSE_NOISE, dcid);
  bytes.set(scid, AT.answererCid);
  return bytes;
}

export function finHeader(pattern: Pattern, dcid: Uint8Array): Uint8Array {
  return header(PACKET.fin, pattern, FIN_NOISE, dcid);
}

/** Whether a copy of an INIT is what it seems: mac2 may differ, the answer is the same. */
export function sameInit(left: Uint8Array, right: Uint8Array): boolean {
  return equalBytes(left.subarray(0, INIT.mac1), right.subarray(0, INIT.mac1));
}

/** The answer to an INIT of a version this endpoint does not speak: never longer than the INIT. */
export function versionNegotiation(init: Uint8Array, versions: readonly number[]): Uint8Array {
  const packet = new Uint8Array(INIT.noise + versions.length);
  packet[AT.type] = PACKET.versions;
  packet[AT.pattern] = versions.length;
  packet.set(init.subarray(AT.cid, AT.cid + CID_BYTES), AT.cid);
  packet.set(versions, INIT.noise);
  return packet;
}

/** @returns the versions a VERNEG names: a hint, since anyone on the path can write one. */
export function parseVersions(packet: Uint8Array): readonly number[] | undefined {
  const count = packet[AT.pattern] ?? 0;
  if (packet[AT.type] !== PACKET.versions || packet[AT.version] !== 0) return undefined;
  if (packet[AT.flags] !== 0 || packet.length !== INIT.noise + count) return undefined;
  return [...packet.subarray(INIT.noise)];
}

function header(type: number, pattern: Pattern, length: number, cid: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[AT.type] = type;
  bytes[AT.version] = PROTOCOL_VERSION;
  bytes[AT.pattern] = pattern;
  bytes.set(cid, AT.cid);
  return bytes;
}

function parse(
  packet: Uint8Array,
  type: number,
  noiseAt: number,
  noiseEnd: number,
): HandshakePacket | undefined {
  if (packet[AT.type] !== type || packet[AT.version] !== PROTOCOL_VERSION) return undefined;
  const pattern = packet[AT.pattern] as number;
  if (packet[AT.flags] !== 0 || !isPattern(pattern)) return undefined;
  return {
    header: packet.subarray(0, noiseAt),
    pattern,
    cid: packet.subarray(AT.cid, AT.cid + CID_BYTES),
    noise: packet.subarray(noiseAt, noiseEnd),
  };
}

function isPattern(value: number): value is Pattern {
  return value >= PATTERN.ik && value <= PATTERN.xxPsk3;
}
