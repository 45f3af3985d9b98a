import type { Clock } from "./clock.ts";
import type { SimPeer } from "./peer.ts";

/** Stream bytes that both ends can compute: a wrong, missing or doubled one shows. */
function patternByte(stream: number, offset: number): number {
  return (Math.imul(offset + 1, 0x9e37_79b1) >>> 24) ^ (stream & 0xff);
}

const PATTERN_PERIOD = 1 << 16;
const patterns = new Map<number, Uint8Array>();

/** Bytes from `offset` on of what a stream carries, `length` of them and 64 KiB at most. */
export function patternAt(stream: number, offset: number, length: number): Uint8Array {
  const at = offset % PATTERN_PERIOD;
  return pattern(stream).subarray(at, at + Math.min(PATTERN_PERIOD, length));
}

/** Two periods of the pattern of a stream. */
function pattern(stream: number): Uint8Array {
  let bytes = patterns.get(stream & 0xff);
  if (bytes === undefined) {
    bytes = new Uint8Array(2 * PATTERN_PERIOD);
    for (let at = 0; at < bytes.length; at++) bytes[at] = patternByte(stream, at % PATTERN_PERIOD);
    patterns.set(stream & 0xff, bytes);
  }
  return bytes;
}

/** Writes a stream of `total` bytes as fast as the engine takes them. */
export class Sender {
  readonly stream: number;
  written = 0;
  readonly peer: SimPeer;
  readonly #clock: Clock;
  readonly #total: number;

  constructor(
    peer: SimPeer,
    clock: Clock,
    total: number,
    options: { priority?: number; unidirectional?: boolean } = {},
  ) {
    const stream = peer.engine.openStream({ unidirectional: true, ...options }, clock.now);
    if (stream === undefined) throw new Error("no stream credit");
    this.stream = stream;
    this.peer = peer;
    this.#clock = clock;
    this.#total = total;
  }

  /** To be called at first and on `writable`. */
  write(): void {
    while (this.written < this.#total) {
      const at = this.written % PATTERN_PERIOD;
      const length = Math.min(PATTERN_PERIOD, this.#total - this.written);
      const taken = this.peer.engine.write(
        this.stream,
        pattern(this.stream).subarray(at, at + length),
        this.#clock.now,
      );
      this.written += taken;
      if (taken < length) return;
    }
    this.peer.engine.finish(this.stream, this.#clock.now);
  }
}

/** Reads streams and checks every byte. */
export class Receiver {
  readonly got: Map<number, number> = new Map();
  readonly ended: Set<number> = new Set();
  total = 0;
  readonly #peer: SimPeer;

  constructor(peer: SimPeer) {
    this.#peer = peer;
  }

  /** To be called on `readable`. @param most - bytes, so that a reader can be slow */
  read(stream: number, most: number = Infinity): void {
    let left = most;
    while (left > 0) {
      const bytes = this.#peer.engine.read(stream);
      if (bytes === undefined) break;
      this.#check(stream, bytes);
      left -= bytes.length;
    }
    if (this.#peer.engine.ended(stream)) this.ended.add(stream);
  }

  #check(stream: number, bytes: Uint8Array): void {
    let offset = this.got.get(stream) ?? 0;
    for (let at = 0; at < bytes.length; ) {
      const start = offset % PATTERN_PERIOD;
      const length = Math.min(PATTERN_PERIOD, bytes.length - at);
      if (
        Buffer.compare(
          bytes.subarray(at, at + length),
          pattern(stream).subarray(start, start + length),
        ) !== 0
      ) {
        throw new Error(`stream ${stream} is wrong near byte ${offset}`);
      }
      at += length;
      offset += length;
    }
    this.got.set(stream, offset);
    this.total += bytes.length;
  }
}
