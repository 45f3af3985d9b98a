import { viewOf, writeUint48 } from "../base/bytes.ts";
import type { RangeSet } from "../base/ranges.ts";
import {
  ACK_RANGES_MAX,
  CLOSE_TEXT_BYTES_MAX,
  DATAGRAM_FRAME_BYTES,
  FIRST_EXTENSION_FRAME,
  FRAME,
  OBSERVED_BYTES,
  STREAM_FRAME_BYTES,
  type StreamKind,
} from "./frames.ts";
import { varintBytes, writeVarint } from "./varint.ts";

/** Writes frames into a fixed buffer. A frame that does not fit is not begun, and its call returns false. */
export class FrameWriter {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #limit: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = viewOf(bytes);
    this.#limit = bytes.length;
  }

  /** Starts a packet of at most `limit` bytes of frames. */
  begin(limit: number): void {
    this.#at = 0;
    this.#limit = Math.min(limit, this.bytes.length);
  }

  get length(): number {
    return this.#at;
  }

  get room(): number {
    return this.#limit - this.#at;
  }

  ping(): boolean {
    return this.#open(FRAME.PING, 1);
  }

  /** Fills the packet up to `length` bytes of frames; nothing can follow. */
  padTo(length: number): void {
    const end = Math.min(length, this.#limit);
    if (end <= this.#at) return;
    this.bytes.fill(0, this.#at, end);
    this.#at = end;
    this.#limit = end;
  }

  /**
   * @param received - packet numbers received, not empty; the highest ranges that fit are written
   * @param ecn - counts of ECT(0), ECT(1) and CE, or undefined where no packet was marked
   */
  ack(
    cid: Uint8Array,
    received: RangeSet,
    delayUs: number,
    ecn: readonly number[] | undefined,
  ): boolean {
    const newest = received.size - 1;
    const highest = received.end(newest) - 1;
    const first = highest - received.start(newest);
    let bytes = 20 + varintBytes(first);
    if (ecn !== undefined) for (const count of ecn) bytes += varintBytes(count);
    if (bytes > this.room) return false;

    let more = 0;
    for (let index = newest - 1; index >= 0 && more < ACK_RANGES_MAX; index--, more++) {
      bytes += this.#rangeBytes(received, index);
      if (bytes > this.room) break;
    }
    let at = this.#at;
    this.#view.setUint8(at, ecn === undefined ? FRAME.ACK : FRAME.ACK_ECN);
    this.bytes.set(cid, at + 1);
    writeUint48(this.#view, at + 9, highest);
    this.#view.setUint32(at + 15, Math.min(0xffff_ffff, Math.max(0, Math.round(delayUs))));
    this.#view.setUint8(at + 19, more);
    at = writeVarint(this.#view, at + 20, first);
    for (let index = newest - 1; index >= newest - more; index--) {
      at = writeVarint(this.#view, at, received.start(index + 1) - received.end(index) - 1);
      at = writeVarint(this.#view, at, received.end(index) - received.start(index) - 1);
    }
    if (ecn !== undefined) for (const count of ecn) at = writeVarint(this.#view, at, count);
    this.#at = at;
    return true;
  }

  credit(limit: number): boolean {
    if (!this.#open(FRAME.CREDIT, 7)) return false;
    writeUint48(this.#view, this.#at - 6, limit);
    return true;
  }

  streamCredit(stream: number, limit: number): boolean {
    if (!this.#open(FRAME.STREAM_CREDIT, 11)) return false;
    this.#view.setUint32(this.#at - 10, stream);
    writeUint48(this.#view, this.#at - 6, limit);
    return true;
  }

  streams(kind: StreamKind, count: number): boolean {
    if (!this.#open(FRAME.STREAMS, 6)) return false;
    this.#view.setUint8(this.#at - 5, kind);
    this.#view.setUint32(this.#at - 4, count);
    return true;
  }

  reset(stream: number, code: number, finalSize: number): boolean {
    if (!this.#open(FRAME.RESET, 15)) return false;
    this.#view.setUint32(this.#at - 14, stream);
    this.#view.setUint32(this.#at - 10, code);
    writeUint48(this.#view, this.#at - 6, finalSize);
    return true;
  }

  stop(stream: number, code: number): boolean {
    if (!this.#open(FRAME.STOP, 9)) return false;
    this.#view.setUint32(this.#at - 8, stream);
    this.#view.setUint32(this.#at - 4, code);
    return true;
  }

  pathChallenge(token: Uint8Array): boolean {
    if (!this.#open(FRAME.PATH_CHALLENGE, 9)) return false;
    this.bytes.set(token, this.#at - 8);
    return true;
  }

  pathResponse(token: Uint8Array, observed: Uint8Array): boolean {
    if (!this.#open(FRAME.PATH_RESPONSE, 9 + OBSERVED_BYTES)) return false;
    this.bytes.set(token, this.#at - 8 - OBSERVED_BYTES);
    this.bytes.set(observed, this.#at - OBSERVED_BYTES);
    return true;
  }

  newCid(lane: number, cid: Uint8Array): boolean {
    if (!this.#open(FRAME.NEW_CID, 10)) return false;
    this.#view.setUint8(this.#at - 9, lane);
    this.bytes.set(cid, this.#at - 8);
    return true;
  }

  retire(lane: number): boolean {
    if (!this.#open(FRAME.RETIRE, 2)) return false;
    this.#view.setUint8(this.#at - 1, lane);
    return true;
  }

  /** @param text - cut to CLOSE_TEXT_BYTES_MAX */
  close(code: number, text: Uint8Array): boolean {
    const length = Math.min(text.length, CLOSE_TEXT_BYTES_MAX);
    if (!this.#open(FRAME.CLOSE, 4 + length)) return false;
    this.#view.setUint16(this.#at - length - 3, code);
    this.#view.setUint8(this.#at - length - 1, length);
    this.bytes.set(text.subarray(0, length), this.#at - length);
    return true;
  }

  stream(stream: number, offset: number, data: Uint8Array, fin: boolean): boolean {
    if (!this.#open(fin ? FRAME.STREAM_FIN : FRAME.STREAM, STREAM_FRAME_BYTES + data.length))
      return false;
    const at = this.#at - data.length;
    this.#view.setUint32(at - 12, stream);
    writeUint48(this.#view, at - 8, offset);
    this.#view.setUint16(at - 2, data.length);
    this.bytes.set(data, at);
    return true;
  }

  datagram(data: Uint8Array): boolean {
    if (!this.#open(FRAME.DATAGRAM, DATAGRAM_FRAME_BYTES + data.length)) return false;
    this.#view.setUint16(this.#at - data.length - 2, data.length);
    this.bytes.set(data, this.#at - data.length);
    return true;
  }

  ackPolicy(packets: number, delayUs: number): boolean {
    if (!this.#open(FRAME.ACK_POLICY, 7)) return false;
    this.#view.setUint16(this.#at - 6, packets);
    this.#view.setUint32(this.#at - 4, delayUs);
    return true;
  }

  /** A frame of a later version: type from FIRST_EXTENSION_FRAME on. */
  extension(type: number, value: Uint8Array): boolean {
    if (type < FIRST_EXTENSION_FRAME || !this.#open(type, 3 + value.length)) return false;
    this.#view.setUint16(this.#at - value.length - 2, value.length);
    this.bytes.set(value, this.#at - value.length);
    return true;
  }

  /** Takes `bytes` bytes and writes the type; fields are then written back from the new position. */
  #open(type: number, bytes: number): boolean {
    if (bytes > this.room) return false;
    this.#view.setUint8(this.#at, type);
    this.#at += bytes;
    return true;
  }

  #rangeBytes(received: RangeSet, index: number): number {
    const gap = received.start(index + 1) - received.end(index) - 1;
    return varintBytes(gap) + varintBytes(received.end(index) - received.start(index) - 1);
  }
}
