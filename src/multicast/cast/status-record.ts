/**
 * STATUS: what a receiver has, counted, never listed symbol by symbol. docs/PROTOCOL.md, "Cast".
 *
 *   stamp 4 | held us 4 | delay us 4 | flags 1 | heard 4 | written 6 | next 4 | highest 4 | window 4 | kernel drops 4
 *   | n 1 {channel 1, largest 6, received 6} * n
 *   | {gap varint, length varint, missing 1} * rest
 */
import { viewOf, writeUint48 } from "../../base/bytes.ts";
import { Reader } from "../../wire/reader.ts";
import { RECORD, RECORD_HEADER_BYTES } from "./records.ts";

const FIXED_BYTES = 39;
const CHANNEL_BYTES = 13;
/** Two varints of at most four bytes each, and a count. */
const RUN_BYTES = 9;
/** Runs in one STATUS: what does not fit is told when the first ones are repaired. */
export const RUNS_MOST = 400;
/** Blocks are numbered below 2^30, so that a varint of four bytes holds them. */
const VARINT4_LIMIT = 0x4000_0000;
const FLAG_DEAF = 1;

/** `missing` of a block that is here, all but its hash. */
export const MISSING_HASH = 0;
/** `missing` of a block that came out wrong: somebody makes up symbols. */
export const POISONED = 200;

export interface ChannelCount {
  readonly channel: number;
  /** Highest packet number heard, -1 for none. */
  readonly largest: number;
  /** Packets heard. */
  readonly received: number;
}

/** Blocks in a row that lack as many symbols each. */
export interface MissingRun {
  readonly start: number;
  readonly length: number;
  readonly missing: number;
}

export interface Status {
  /** The stamp heard last, and how long ago in microseconds; 0 and 0 for none. */
  readonly stamp: number;
  readonly heldUs: number;
  /** The clock here when it came, less the stamp, modulo 2^32: only changes mean something. */
  readonly delayUs: number;
  /** Nothing is heard on any group: feed it by unicast. */
  readonly deaf: boolean;
  /** One bit a channel. */
  readonly heard: number;
  readonly writtenBytes: number;
  /** Every block below is here. */
  readonly next: number;
  /** No symbol of a block from here on was heard. */
  readonly highest: number;
  /** Bytes that may be on their way. */
  readonly windowBytes: number;
  /** Packets the kernel dropped for want of room. */
  readonly kernelDrops: number;
  readonly channels: readonly ChannelCount[];
  /** Below `highest`, ascending; up to the last of them nothing else is missing. */
  readonly runs: readonly MissingRun[];
}

export function statusRecord(status: Status): Uint8Array {
  const most =
    FIXED_BYTES + 1 + status.channels.length * CHANNEL_BYTES + status.runs.length * RUN_BYTES;
  const bytes = new Uint8Array(RECORD_HEADER_BYTES + most);
  const body = bytes.subarray(RECORD_HEADER_BYTES);
  const view = viewOf(body);
  view.setUint32(0, status.stamp);
  view.setUint32(4, Math.min(status.heldUs, 0xffff_ffff));
  view.setUint32(8, status.delayUs);
  view.setUint8(12, status.deaf ? FLAG_DEAF : 0);
  view.setUint32(13, status.heard);
  writeUint48(view, 17, status.writtenBytes);
  view.setUint32(23, status.next);
  view.setUint32(27, status.highest);
  view.setUint32(31, Math.min(status.windowBytes, 0xffff_ffff));
  view.setUint32(35, status.kernelDrops % 0x1_0000_0000);
  view.setUint8(FIXED_BYTES, status.channels.length);
  let at = FIXED_BYTES + 1;
  for (const { channel, largest, received } of status.channels) {
    view.setUint8(at, channel);
    writeUint48(view, at + 1, largest + 1);
    writeUint48(view, at + 7, received);
    at += CHANNEL_BYTES;
  }
  let from = status.next;
  for (const { start, length, missing } of status.runs) {
    at = writeVarint(view, at, start - from);
    at = writeVarint(view, at, length);
    view.setUint8(at++, missing);
    from = start + length;
  }
  bytes[0] = RECORD.STATUS;
  viewOf(bytes).setUint32(1, at);
  return bytes.subarray(0, RECORD_HEADER_BYTES + at);
}

export function parseStatus(body: Uint8Array): Status | undefined {
  const reader = new Reader().over(body);
  const stamp = reader.u32();
  const heldUs = reader.u32();
  const delayUs = reader.u32();
  const deaf = (reader.u8() & FLAG_DEAF) !== 0;
  const heard = reader.u32();
  const writtenBytes = reader.u48();
  const next = reader.u32();
  const highest = reader.u32();
  const windowBytes = reader.u32();
  const kernelDrops = reader.u32();
  const channels: ChannelCount[] = [];
  for (let left = reader.u8(); left > 0; left--) {
    channels.push({ channel: reader.u8(), largest: reader.u48() - 1, received: reader.u48() });
  }
  const runs: MissingRun[] = [];
  let from = next;
  while (reader.left > 0 && !reader.failed && runs.length <= RUNS_MOST) {
    const start = from + reader.varint();
    const length = reader.varint();
    const missing = reader.u8();
    from = start + length;
    if (length === 0 || from > VARINT4_LIMIT) reader.failed = true;
    runs.push({ start, length, missing });
  }
  if (reader.failed || runs.length > RUNS_MOST) return undefined;
  const counts = { writtenBytes, next, highest, windowBytes, kernelDrops };
  return { stamp, heldUs, delayUs, deaf, heard, ...counts, channels, runs };
}

function writeVarint(view: DataView, at: number, value: number): number {
  if (value < 0x40) {
    view.setUint8(at, value);
    return at + 1;
  }
  if (value < 0x4000) {
    view.setUint16(at, value | 0x4000);
    return at + 2;
  }
  view.setUint32(at, (value | 0x8000_0000) >>> 0);
  return at + 4;
}
