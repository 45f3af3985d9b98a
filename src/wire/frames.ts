/** Frames inside the plaintext of a data packet. Byte table: docs/PROTOCOL.md, "Frames". */

/** First byte of a frame. Unlisted values below 0x40 do not exist in mp2p/1. */
export const FRAME = {
  PADDING: 0x00,
  PING: 0x01,
  ACK: 0x02,
  ACK_ECN: 0x03,
  CREDIT: 0x04,
  STREAM_CREDIT: 0x05,
  STREAMS: 0x06,
  RESET: 0x08,
  STOP: 0x09,
  PATH_CHALLENGE: 0x0a,
  PATH_RESPONSE: 0x0b,
  NEW_CID: 0x0c,
  RETIRE: 0x0d,
  CLOSE: 0x0e,
  BULK: 0x10,
  BULK_FIN: 0x11,
  STREAM: 0x12,
  STREAM_FIN: 0x13,
  DATAGRAM_REST: 0x15,
  DATAGRAM: 0x16,
  ACK_POLICY: 0x17,
} as const;

/** Frames from here on carry a length: unknown odd ones are skipped, unknown even ones close. */
export const FIRST_EXTENSION_FRAME = 0x40;

/** Ranges after the first one that an ACK frame can carry. */
export const ACK_RANGES_MAX = 64;
export const PATH_TOKEN_BYTES = 8;
/** IPv6 or mapped IPv4 address and port; all zeros where the answerer does not know it. */
export const OBSERVED_BYTES = 18;
export const CLOSE_TEXT_BYTES_MAX = 128;

/** Bytes before the data of a STREAM or STREAM_FIN frame. */
export const STREAM_FRAME_BYTES = 13;
/** Bytes before the data of a DATAGRAM frame. */
export const DATAGRAM_FRAME_BYTES = 3;

/** STREAMS and stream credit count bidirectional streams as 0, unidirectional ones as 1. */
export type StreamKind = 0 | 1;

/** An ACK as parsed; the object and its arrays are reused by the next one. */
export interface AckFrame {
  /** The eight bytes of the acknowledged connection id as two 32-bit numbers. */
  cidHigh: number;
  cidLow: number;
  delayUs: number;
  rangeCount: number;
  /** Lowest and highest packet number of range i, newest range first, both inclusive. */
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
  /** Packets that arrived marked congestion-experienced; 0 in a plain ACK. */
  congestionMarks: number;
}

/** What a packet says, frame by frame, in order. Byte arrays are borrowed for the call. */
export interface FrameHandler {
  ping(): void;
  ack(frame: AckFrame): void;
  credit(limit: number): void;
  streamCredit(stream: number, limit: number): void;
  streams(kind: StreamKind, count: number): void;
  reset(stream: number, code: number, finalSize: number): void;
  stop(stream: number, code: number): void;
  pathChallenge(token: Uint8Array): void;
  pathResponse(token: Uint8Array, observed: Uint8Array): void;
  newCid(lane: number, cid: Uint8Array): void;
  retire(lane: number): void;
  close(code: number, text: Uint8Array): void;
  stream(stream: number, offset: number, data: Uint8Array, fin: boolean): void;
  datagram(data: Uint8Array): void;
  ackPolicy(packets: number, delayUs: number): void;
  /** A frame of a later version that may be skipped: it only asks for an ACK. */
  extension(type: number): void;
}
