/**
 * What one side grants the other at the start of a session: the LIMITS value of a handshake
 * payload, 24 bytes, big endian. Byte table: docs/PROTOCOL.md, "Payload TLVs".
 *
 *   0-5 connection credit | 6-11 stream credit | 12-15 bidirectional streams
 *   16-19 unidirectional streams | 20-21 largest packet | 22-23 idle seconds
 */
import { readUint48, viewOf, writeUint48 } from "../base/bytes.ts";

const AT = {
  connection: 0,
  stream: 6,
  bidirectional: 12,
  unidirectional: 16,
  packet: 20,
  idle: 22,
} as const;
export const LIMITS_BYTES = 24;

/** Every path carries this much, so no peer may announce less. */
const SMALLEST_LARGEST_PACKET_BYTES = 1200;

export interface Limits {
  /** Bytes of all streams together the peer may send before more credit arrives; below 2^48. */
  readonly connectionCreditBytes: number;
  /** Bytes of each new stream the peer may send before more credit arrives; below 2^48. */
  readonly streamCreditBytes: number;
  /** Bidirectional streams the peer may open, counted over the session; below 2^32. */
  readonly bidirectionalStreams: number;
  /** Unidirectional streams the peer may open, counted over the session; below 2^32. */
  readonly unidirectionalStreams: number;
  /** Largest UDP payload this side takes, 1,200 to 65,535. */
  readonly largestPacketBytes: number;
  /** Without contact for this long the session is over; 0 is never, at most 65,535. */
  readonly idleSeconds: number;
}

/** @throws {RangeError} where a number does not fit its field */
export function writeLimits(limits: Limits): Uint8Array {
  requireInteger("connectionCreditBytes", limits.connectionCreditBytes, 0, 2 ** 48 - 1);
  requireInteger("streamCreditBytes", limits.streamCreditBytes, 0, 2 ** 48 - 1);
  requireInteger("bidirectionalStreams", limits.bidirectionalStreams, 0, 2 ** 32 - 1);
  requireInteger("unidirectionalStreams", limits.unidirectionalStreams, 0, 2 ** 32 - 1);
  requireInteger(
    "largestPacketBytes",
    limits.largestPacketBytes,
    SMALLEST_LARGEST_PACKET_BYTES,
    65_535,
  );
  requireInteger("idleSeconds", limits.idleSeconds, 0, 65_535);

  const bytes = new Uint8Array(LIMITS_BYTES);
  const view = viewOf(bytes);
  writeUint48(view, AT.connection, limits.connectionCreditBytes);
  writeUint48(view, AT.stream, limits.streamCreditBytes);
  view.setUint32(AT.bidirectional, limits.bidirectionalStreams);
  view.setUint32(AT.unidirectional, limits.unidirectionalStreams);
  view.setUint16(AT.packet, limits.largestPacketBytes);
  view.setUint16(AT.idle, limits.idleSeconds);
  return bytes;
}

/** @returns undefined for another length or a largest packet below the one every path carries */
export function parseLimits(bytes: Uint8Array): Limits | undefined {
  if (bytes.length !== LIMITS_BYTES) return undefined;
  const view = viewOf(bytes);
  const largestPacketBytes = view.getUint16(AT.packet);
  if (largestPacketBytes < SMALLEST_LARGEST_PACKET_BYTES) return undefined;
  return {
    connectionCreditBytes: readUint48(view, AT.connection),
    streamCreditBytes: readUint48(view, AT.stream),
    bidirectionalStreams: view.getUint32(AT.bidirectional),
    unidirectionalStreams: view.getUint32(AT.unidirectional),
    largestPacketBytes,
    idleSeconds: view.getUint16(AT.idle),
  };
}

function requireInteger(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${name} must be an integer from ${least} to ${most}, not ${value}`);
}
