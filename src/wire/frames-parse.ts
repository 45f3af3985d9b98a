import {
  ACK_RANGES_MAX,
  type AckFrame,
  FIRST_EXTENSION_FRAME,
  FRAME,
  type FrameHandler,
  OBSERVED_BYTES,
  PATH_TOKEN_BYTES,
} from "./frames.ts";
import { Reader } from "./reader.ts";

/** Why a packet's frames could not all be read; frames before the fault have been handled. */
export type FrameFault = "malformed" | "unknown";

const reader = new Reader();
const ack: AckFrame = {
  cidHigh: 0,
  cidLow: 0,
  delayUs: 0,
  rangeCount: 0,
  lowest: new Float64Array(ACK_RANGES_MAX + 1),
  highest: new Float64Array(ACK_RANGES_MAX + 1),
  congestionMarks: 0,
};

/**
 * Reads the frames of one packet and calls the handler for each. Hostile bytes never throw; the
 * handler must not call back into this function.
 *
 * @param plaintext - borrowed for the call
 */
export function parseFrames(plaintext: Uint8Array, handler: FrameHandler): FrameFault | undefined {
  const r = reader.over(plaintext);
  while (r.left > 0) {
    const type = r.u8();
    if (type === FRAME.PADDING) return undefined;
    const known =
      type < FIRST_EXTENSION_FRAME ? parseOne(r, type, handler) : skipExtension(r, type, handler);
    if (r.failed) return "malformed";
    if (!known) return "unknown";
  }
  return undefined;
}

function parseOne(r: Reader, type: number, handler: FrameHandler): boolean {
  switch (type) {
    case FRAME.PING:
      handler.ping();
      return true;
    case FRAME.ACK:
    case FRAME.ACK_ECN:
      readAck(r, type);
      if (!r.failed) handler.ack(ack);
      return true;
    case FRAME.BULK:
    case FRAME.BULK_FIN:
    case FRAME.STREAM:
    case FRAME.STREAM_FIN:
      parseStream(r, type, handler);
      return true;
    case FRAME.DATAGRAM_REST:
      handler.datagram(r.rest());
      return true;
    case FRAME.DATAGRAM: {
      const data = r.take(r.u16());
      if (!r.failed) handler.datagram(data);
      return true;
    }
    default:
      return parseControl(r, type, handler);
  }
}

function parseControl(r: Reader, type: number, handler: FrameHandler): boolean {
  switch (type) {
    case FRAME.CREDIT: {
      const limit = r.u48();
      if (!r.failed) handler.credit(limit);
      return true;
    }
    case FRAME.STREAM_CREDIT: {
      const stream = r.u32();
      const limit = r.u48();
      if (!r.failed) handler.streamCredit(stream, limit);
      return true;
    }
    case FRAME.STREAMS: {
      const kind = r.u8();
      const count = r.u32();
      if (kind > 1) r.failed = true;
      if (!r.failed) handler.streams(kind as 0 | 1, count);
      return true;
    }
    case FRAME.RESET: {
      const stream = r.u32();
      const code = r.u32();
      const finalSize = r.u48();
      if (!r.failed) handler.reset(stream, code, finalSize);
      return true;
    }
    case FRAME.STOP: {
      const stream = r.u32();
      const code = r.u32();
      if (!r.failed) handler.stop(stream, code);
      return true;
    }
    default:
      return parsePathOrEnd(r, type, handler);
  }
}

function parsePathOrEnd(r: Reader, type: number, handler: FrameHandler): boolean {
  switch (type) {
    case FRAME.PATH_CHALLENGE: {
      const token = r.take(PATH_TOKEN_BYTES);
      if (!r.failed) handler.pathChallenge(token);
      return true;
    }
    case FRAME.PATH_RESPONSE: {
      const token = r.take(PATH_TOKEN_BYTES);
      const observed = r.take(OBSERVED_BYTES);
      if (!r.failed) handler.pathResponse(token, observed);
      return true;
    }
    case FRAME.NEW_CID: {
      const lane = r.u8();
      const cid = r.take(8);
      if (!r.failed) handler.newCid(lane, cid);
      return true;
    }
    case FRAME.RETIRE: {
      const lane = r.u8();
      if (!r.failed) handler.retire(lane);
      return true;
    }
    case FRAME.CLOSE: {
      const code = r.u16();
      const text = r.take(r.u8());
      if (!r.failed) handler.close(code, text);
      return true;
    }
    case FRAME.ACK_POLICY: {
      const packets = r.u16();
      const delayUs = r.u32();
      if (!r.failed) handler.ackPolicy(packets, delayUs);
      return true;
    }
    default:
      return false;
  }
}

function parseStream(r: Reader, type: number, handler: FrameHandler): void {
  const stream = r.u32();
  const offset = r.u48();
  const data = type < FRAME.STREAM ? r.rest() : r.take(r.u16());
  if (!r.failed) handler.stream(stream, offset, data, (type & 1) === 1);
}

function readAck(r: Reader, type: number): void {
  ack.cidHigh = r.u32();
  ack.cidLow = r.u32();
  let highest = r.u48();
  ack.delayUs = r.u32();
  const more = r.u8();
  if (more > ACK_RANGES_MAX) r.failed = true;
  let lowest = highest - r.varint();
  ack.rangeCount = 0;
  for (let index = 0; !r.failed; index++) {
    if (lowest < 0) r.failed = true;
    ack.lowest[index] = lowest;
    ack.highest[index] = highest;
    ack.rangeCount = index + 1;
    if (index === more) break;
    highest = lowest - r.varint() - 2;
    lowest = highest - r.varint();
  }
  ack.congestionMarks = 0;
  if (type === FRAME.ACK_ECN) {
    r.varint();
    r.varint();
    ack.congestionMarks = r.varint();
  }
}

function skipExtension(r: Reader, type: number, handler: FrameHandler): boolean {
  r.take(r.u16());
  if ((type & 1) === 0) return false;
  if (!r.failed) handler.extension(type);
  return true;
}
