import type { SendResult } from "../backend/port.ts";
import { BULK_OVERHEAD_BYTES } from "../backend/port.ts";
import { DATAGRAM_FRAME_BYTES } from "../wire/frames.ts";
import { BurstPlan, FRAMES_OVERHEAD_BYTES } from "./burst-plan.ts";
import type {
  Generation,
  Output,
  PathProperties,
  SessionConfig,
  SessionEngineStats,
} from "./contract.ts";
import { Delivery } from "./delivery.ts";
import { Inbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { Planner } from "./planner.ts";
import { Recovery } from "./recovery.ts";
import { SessionState } from "./session-state.ts";
import { DEFAULT_PRIORITY } from "./streams.ts";
import { Timers } from "./timers.ts";

/** A full socket is tried again after this, should nobody say that it is writable. */
const BLOCKED_RETRY_MS = 1;

const NO_BYTES: Uint8Array = new Uint8Array(0);

type SendOutput = Extract<Output, { kind: "send" }>;

/**
 * One session with one peer instance, above key generations and paths: reliable streams, datagrams,
 * recovery, congestion and flow control. It owns no socket, clock or timer: rows of received
 * packets go in, bursts, events and the next time to be called come out of `poll`.
 */
export class SessionEngine {
  readonly #state: SessionState;
  readonly #delivery: Delivery;
  readonly #recovery: Recovery;
  readonly #planner: Planner;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #timers: Timers;
  readonly #send: SendOutput;
  readonly #wait: { kind: "wait"; until: number } = { kind: "wait", until: Infinity };
  #blockedUntil: number = -Infinity;

  /** @param burst - where bursts are planned; sessions polled in turns, each `sent` before the next, share one */
  constructor(
    config: SessionConfig,
    now: number,
    burst: BurstPlan = new BurstPlan(config.ceilingBytes),
  ) {
    this.#state = new SessionState(config, now);
    this.#delivery = new Delivery(this.#state);
    this.#recovery = new Recovery(this.#state.generations, this.#delivery);
    this.#planner = new Planner(this.#state, this.#delivery, burst);
    this.#inbox = new Inbox(this.#state, this.#recovery, this.#delivery);
    this.#outbox = new Outbox(this.#state, this.#planner);
    this.#timers = new Timers(this.#state, this.#recovery, this.#delivery, this.#outbox);
    this.#send = { kind: "send", slot: 0, path: 0, plan: this.#planner.plan };
  }

  /** The socket took less than the last burst; `poll` sends again after `socketWritable` or a moment. */
  get blocked(): boolean {
    return this.#blockedUntil > -Infinity;
  }

  /** A handshake is complete: its keys are installed under the generation's slots. */
  addGeneration(generation: Generation, now: number): void {
    const first = !this.#state.generations.had;
    this.#state.generations.add(generation, now);
    this.#timers.rekeyed(now);
    if (!first) return;
    this.#state.remote = generation.remote;
    this.#state.paths.largestPacketBytes = generation.remote.largestPacketBytes;
    this.#state.streams.adopt(generation.remote);
    this.#state.queue.credit(generation.remote.connectionCreditBytes);
  }

  /** Whether it is closed, and the peer knows as well. */
  get isSettled(): boolean {
    return this.#state.closing?.isSettled === true;
  }

  /** The first path, or one that a handshake proved: data takes it at once. */
  setPath(path: number, properties: PathProperties, now: number): void {
    this.#state.paths.use(path, properties, now);
  }

  /** Whether the peer's other addresses should be named to `tryPaths`: the path in use is a group. */
  seeksBetterPath(now: number): boolean {
    return this.#state.closing === undefined && this.#state.paths.seeksBetter(now);
  }

  /** Paths the peer may be reached by as well; data moves to the first that answers. */
  tryPaths(paths: readonly number[], now: number): void {
    this.#state.paths.search(paths, now);
  }

  /** One row of a received batch: packets `packet` to `packet + count - 1`, all of one stream; `bytes` are borrowed. */
  receiveStream(
    slot: number,
    packet: number,
    count: number,
    stream: number,
    offset: number,
    bytes: Uint8Array,
    fin: boolean,
    path: number,
    ecn: number,
    time: number,
  ): void {
    if (this.#state.closing !== undefined) {
      this.#state.closing.heard(time);
      return;
    }
    const keys = this.#state.generations.ofSlot(slot);
    if (keys !== undefined)
      this.#inbox.run(keys, packet, count, path, ecn, time, stream, offset, bytes, fin);
  }

  /** One row of a received batch: the frames of one packet; `bytes` are borrowed. */
  receiveFrames(
    slot: number,
    packet: number,
    bytes: Uint8Array,
    path: number,
    ecn: number,
    time: number,
  ): void {
    const keys = this.#state.generations.ofSlot(slot);
    if (keys !== undefined) this.#inbox.packet(keys, packet, path, ecn, time, bytes);
  }

  /** @returns the stream's id; undefined where the peer grants none now, `streams` follows when it does */
  openStream(
    options: { readonly unidirectional?: boolean; readonly priority?: number },
    now: number,
  ): number | undefined {
    const { unidirectional = false, priority = DEFAULT_PRIORITY } = options;
    if (this.#state.closing !== undefined) return undefined;
    const id = this.#state.streams.open(unidirectional ? 1 : 0, priority, now);
    this.#state.wantsStreams ||= id === undefined;
    return id;
  }

  /**
   * @param lent - the bytes stay as they are until the peer has them: all are taken or none, without a copy
   * @returns bytes taken; where that is not all, `writable` follows
   */
  write(stream: number, bytes: Uint8Array, _now: number, lent = false): number {
    const half = this.#state.streams.send(stream);
    if (half === undefined || half.finished || half.resetCode !== undefined) return 0;
    const room = this.#delivery.roomFor(half);
    const taken = lent && room > 0 ? bytes.length : Math.min(room, bytes.length);
    if (taken < bytes.length) half.wantsRoom = true;
    if (taken === 0) return 0;
    const packetBytes = this.#state.paths.active?.size.current ?? this.#state.config.ceilingBytes;
    if (lent) half.buffer.adopt(bytes);
    else {
      const fit = taken === bytes.length ? bytes : bytes.subarray(0, taken);
      half.buffer.append(fit, packetBytes - BULK_OVERHEAD_BYTES);
    }
    this.#state.queue.add(half);
    return taken;
  }

  /** No more bytes will be written; `finished` follows once the peer has them all. */
  finish(stream: number, _now: number): void {
    const half = this.#state.streams.send(stream);
    if (half === undefined || half.finished || half.resetCode !== undefined) return;
    half.finished = true;
    this.#state.queue.add(half);
  }

  /** Gives up sending: the peer gets a `reset`. Nothing where all is delivered. */
  reset(stream: number, code: number, _now: number): void {
    const half = this.#state.streams.send(stream);
    if (half === undefined || half.resetCode !== undefined || half.delivered) return;
    half.reset(code);
    this.#state.control.reset(stream, code, half.sentTo);
  }

  /** Gives up reading: the peer gets a `stopped` and resets. */
  stop(stream: number, code: number, _now: number): void {
    const half = this.#state.streams.receive(stream);
    if (half === undefined || half.stopped) return;
    if (!half.over) {
      half.stop();
      if (half.finalSize === undefined) this.#state.control.stop(stream, code);
    }
    // Where the end is here, and nobody will read it any more, that was all.
    this.#inbox.forfeit(half);
  }

  /** The next bytes in order, the caller's own from now on; undefined where there are none now. */
  read(stream: number): Uint8Array | undefined {
    const half = this.#state.streams.receive(stream);
    if (half === undefined) return undefined;
    const bytes = half.read();
    half.announced = false;
    if (bytes !== undefined) this.#inbox.consumed(half, bytes.length);
    if (half.ended) this.#delivery.settle(stream);
    return bytes;
  }

  /**
   * Bytes of the stream go to `sink` as they come, borrowed for the call and without a copy, instead
   * of to `read`. Once it returns false, the rest waits for the next call of `consume`.
   */
  consume(stream: number, sink: (bytes: Uint8Array) => boolean): void {
    const half = this.#state.streams.receive(stream);
    if (half === undefined) return;
    half.sink = sink;
    half.paused = false;
    this.#inbox.consumed(half, half.pour(0, NO_BYTES));
    half.announced = false;
    if (half.ended) this.#delivery.settle(stream);
  }

  /** Whether all bytes of the stream were read, or it is gone; not where a `reset` is still to be told. */
  ended(stream: number): boolean {
    if (this.#state.broken.has(stream)) return false;
    const half = this.#state.streams.receive(stream);
    return half === undefined || half.ended;
  }

  /** What came of a stream and was not read; undefined where more was to come. For when the session is over. */
  unread(stream: number): Uint8Array[] | undefined {
    const half = this.#state.streams.receive(stream);
    if (half === undefined || !half.isWhole) return undefined;
    const chunks: Uint8Array[] = [];
    for (let bytes = half.read(); bytes !== undefined; bytes = half.read()) chunks.push(bytes);
    return chunks;
  }

  /** @returns false where the datagram is larger than a packet, or too many wait: then `drain` follows */
  sendDatagram(bytes: Uint8Array, _now: number): boolean {
    if (this.#state.closing !== undefined || bytes.length > this.#datagramBytes()) return false;
    return this.#state.datagrams.push(bytes);
  }

  #datagramBytes(): number {
    const packetBytes = this.#state.paths.active?.size.current ?? 0;
    return Math.max(0, packetBytes - FRAMES_OVERHEAD_BYTES - DATAGRAM_FRAME_BYTES);
  }

  /** Ends the session at once, whatever is under way; `closed` and later `retired` follow. */
  close(code: number, text: string, now: number): void {
    this.#state.end(code, text, "local", now);
  }

  /** The socket takes packets again. */
  socketWritable(): void {
    this.#blockedUntil = -Infinity;
  }

  /** What to do next. To be called until it says to wait, after any input and at the time it named. */
  poll(now: number): Output {
    this.#timers.run(now);
    const event = this.#state.events.shift();
    if (event?.kind === "reset") this.#state.broken.delete(event.stream);
    if (event !== undefined) return { kind: "event", event };
    if (this.#blockedUntil <= now) {
      this.#blockedUntil = -Infinity;
      const sending =
        this.#state.closing === undefined ? this.#outbox.next(now) : this.#outbox.close(now);
      if (sending !== undefined) {
        this.#send.slot = sending.keys.generation.sendSlot;
        this.#send.path = sending.path;
        return this.#send;
      }
    }
    this.#wait.until = Math.max(this.#timers.next(now), this.#blockedUntil);
    return this.#wait;
  }

  /** What became of the burst that `poll` gave out last. */
  sent(result: SendResult, now: number): void {
    if (!this.#planner.commit(result, now)) this.#blockedUntil = now + BLOCKED_RETRY_MS;
    this.#timers.used(now);
  }

  stats(): SessionEngineStats {
    const { counters, paths, streams } = this.#state;
    const path = paths.active;
    return {
      ...counters,
      path: path?.id ?? 0,
      rttMs: path?.rtt.sampled === true ? path.rtt.smoothed : (path?.properties.initialRttMs ?? 0),
      minRttMs: path?.rtt.sampled === true ? path.rtt.min : 0,
      lossRate:
        path === undefined || path.packetsSent === 0 ? 0 : path.packetsLost / path.packetsSent,
      packetsLost: path?.packetsLost ?? 0,
      windowBytes: path?.controller.window ?? 0,
      inFlightBytes: path?.inFlight ?? 0,
      rate: (path?.controller.bandwidth ?? 0) * 1000,
      packetBytes: path?.size.current ?? 0,
      datagramBytes: this.#datagramBytes(),
      streams: streams.count,
      ptoCount: path?.ptoCount ?? 0,
    };
  }
}
