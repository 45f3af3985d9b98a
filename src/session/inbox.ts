import { type AckFrame, FRAME, type FrameHandler, type StreamKind } from "../wire/frames.ts";
import { parseFrames } from "../wire/frames-parse.ts";
import { FRAMES_OVERHEAD_BYTES } from "./burst-plan.ts";
import { FAULT, type Fault } from "./close-codes.ts";
import type { Delivery } from "./delivery.ts";
import type { KeyGeneration } from "./key-generation.ts";
import type { ReceiveHalf } from "./receive-half.ts";
import type { Recovery } from "./recovery.ts";
import type { SessionState } from "./session-state.ts";

/** Gaps over all streams of a session; a peer that makes more is attacking (RUSTSEC-2026-0185). */
const GAPS_MAX = 16_384;
/** Events that wait at most, for datagrams to be among them: a packet can hold hundreds, a batch a thousand such. */
const EVENTS_MAX = 4096;

/** Takes in what authenticated packets say. Faults close the session; nothing here throws. */
export class Inbox implements FrameHandler {
  readonly #state: SessionState;
  readonly #recovery: Recovery;
  readonly #delivery: Delivery;
  /** Of the packet under way. */
  #keys: KeyGeneration | undefined;
  #path = 0;
  #time = 0;
  #asks = false;
  #urgent = false;
  #closes = false;

  constructor(state: SessionState, recovery: Recovery, delivery: Delivery) {
    this.#state = state;
    this.#recovery = recovery;
    this.#delivery = delivery;
  }

  /** A run of bulk packets; `bytes` are borrowed. */
  run(
    keys: KeyGeneration,
    packet: number,
    count: number,
    path: number,
    ecn: number,
    time: number,
    stream: number,
    offset: number,
    bytes: Uint8Array,
    fin: boolean,
  ): void {
    // An end alone has no bytes, and is a sign of use all the same.
    this.#begin(keys, packet, count, path, Math.max(1, bytes.length), time);
    this.stream(stream, offset, bytes, fin);
    if (!fin) this.#state.flowedAt = time;
    const rttMs = this.#state.paths.rttMs;
    keys.acks.record(packet, count, true, fin, ecn, rttMs, time);
  }

  /** One packet of frames; `bytes` are borrowed. */
  packet(
    keys: KeyGeneration,
    packet: number,
    path: number,
    ecn: number,
    time: number,
    bytes: Uint8Array,
  ): void {
    this.#begin(keys, packet, 1, path, isProbe(bytes) ? 0 : bytes.length, time);
    const over = this.#state.closing;
    const fault = parseFrames(bytes, this);
    if (over !== undefined) {
      if (this.#closes && over.by !== "peer") over.answered();
      else over.heard(time);
      return;
    }
    const rttMs = this.#state.paths.rttMs;
    keys.acks.record(packet, 1, this.#asks, this.#urgent, ecn, rttMs, time);
    if (fault !== undefined) this.#fail(fault === "unknown" ? FAULT.unknownFrame : FAULT.frame);
  }

  /** @param bytes - of frames; 0 where they are no sign that the peer uses the path they came by */
  #begin(
    keys: KeyGeneration,
    packet: number,
    count: number,
    path: number,
    bytes: number,
    time: number,
  ): void {
    const { counters, paths } = this.#state;
    counters.packetsReceived += count;
    this.#state.lastReceivedAt = time;
    this.#keys = keys;
    this.#path = path;
    this.#time = time;
    this.#asks = false;
    this.#urgent = false;
    this.#closes = false;
    if (!keys.confirmed) {
      keys.confirmed = true;
      keys.pingAt = Infinity;
      this.#state.emit({ kind: "confirmed", generation: keys.generation });
    }
    // After handshakes that crossed, the peer may stay with the keys that are the older ones here.
    const newest = packet + count - 1 > keys.acks.largest && keys.peerLeftAt === undefined;
    const isUse = newest && bytes > 0;
    paths.heard(path, isUse ? bytes + count * FRAMES_OVERHEAD_BYTES : 0, time);
  }

  stream(id: number, offset: number, data: Uint8Array, fin: boolean): void {
    this.#asks = true;
    this.#urgent ||= fin;
    const half = this.#receiving(id);
    if (half === undefined) return;
    if (!this.#admit(half.admit(offset, data.length, fin))) return;
    if (half.discards) {
      this.forfeit(half);
      return;
    }
    if (half.sink === undefined) half.insert(offset, data);
    else this.consumed(half, half.pour(offset, data));
    if (this.#state.streams.gaps.count > GAPS_MAX) {
      this.#fail(FAULT.gaps);
      return;
    }
    if (half.readable && !half.announced) {
      half.announced = true;
      this.#state.emit({ kind: "readable", stream: id });
    }
    if (half.sink !== undefined && half.ended) this.#delivery.settle(id);
  }

  ping(): void {
    this.#asks = true;
  }

  ack(frame: AckFrame): void {
    const fault = this.#recovery.onAck(frame, this.#time);
    if (fault !== undefined) this.#fail(fault);
  }

  credit(limit: number): void {
    this.#asks = true;
    this.#state.queue.credit(limit);
  }

  streamCredit(id: number, limit: number): void {
    this.#asks = true;
    const half = this.#sending(id);
    if (half === undefined || limit <= half.limit) return;
    half.limit = limit;
    this.#state.queue.add(half);
  }

  streams(kind: StreamKind, count: number): void {
    this.#asks = true;
    if (!this.#state.streams.allow(kind, count) || !this.#state.wantsStreams) return;
    this.#state.wantsStreams = false;
    this.#state.emit({ kind: "streams" });
  }

  reset(id: number, code: number, finalSize: number): void {
    this.#asks = true;
    const half = this.#receiving(id);
    if (half === undefined) return;
    const known = half.over;
    if (!this.#admit(half.reset(code, finalSize)) || known) return;
    if (half.resetCode === undefined) return;
    if (!half.stopped) {
      this.#state.broken.add(id);
      this.#state.emit({ kind: "reset", stream: id, code });
    }
    this.forfeit(half);
  }

  stop(id: number, code: number): void {
    this.#asks = true;
    const half = this.#sending(id);
    if (half === undefined || half.delivered || half.resetCode !== undefined) return;
    half.reset(code);
    this.#state.control.reset(id, code, half.sentTo);
    this.#state.emit({ kind: "stopped", stream: id, code });
  }

  pathChallenge(token: Uint8Array): void {
    this.#asks = true;
    this.#state.paths.challenged(token, this.#path);
  }

  pathResponse(token: Uint8Array): void {
    this.#asks = true;
    const { paths } = this.#state;
    const path = paths.validated(token);
    if (path === undefined || paths.active === undefined) return;
    paths.follow(path, this.#time);
    this.#state.emit({ kind: "path", path });
  }

  newCid(): void {
    this.#asks = true;
  }

  retire(lane: number): void {
    this.#asks = true;
    if (lane === 0 && this.#keys !== undefined) this.#keys.peerLeftAt ??= this.#time;
  }

  close(code: number, text: Uint8Array): void {
    this.#closes = true;
    this.#state.end(code, String.fromCharCode(...text), "peer", this.#time);
  }

  datagram(data: Uint8Array): void {
    this.#asks = true;
    if (this.#state.events.length < EVENTS_MAX)
      this.#state.emit({ kind: "datagram", bytes: data.slice() });
  }

  ackPolicy(packets: number, delayUs: number): void {
    this.#asks = true;
    this.#keys?.acks.adopt(packets, delayUs / 1000);
  }

  extension(): void {
    this.#asks = true;
  }

  #fail(fault: Fault): void {
    this.#state.fail(fault, this.#time);
  }

  #accept(id: number): boolean {
    const fault = this.#state.streams.accept(id, this.#time, (opened) =>
      this.#state.emit({ kind: "stream", stream: opened }),
    );
    if (fault !== undefined) this.#fail(fault);
    return fault === undefined;
  }

  /** The side of a stream that takes what the peer sends; undefined where it is over, or cannot be. */
  #receiving(id: number): ReceiveHalf | undefined {
    if (this.#state.closing !== undefined) return undefined;
    const half = this.#state.streams.receive(id);
    if (half !== undefined) return half;
    if (!this.#state.streams.receives(id)) this.#fail(FAULT.streamState);
    else if (this.#accept(id)) return this.#state.streams.receive(id);
    return undefined;
  }

  #sending(id: number): ReturnType<SessionState["streams"]["send"]> {
    if (this.#state.closing !== undefined) return undefined;
    const half = this.#state.streams.send(id);
    if (half !== undefined) return half;
    if (!this.#state.streams.sends(id)) this.#fail(FAULT.streamState);
    else if (this.#accept(id)) return this.#state.streams.send(id);
    return undefined;
  }

  /** Charges the connection's credit. */
  #admit(used: Fault | number): boolean {
    if (typeof used !== "number") {
      this.#fail(used);
      return false;
    }
    const { counters, streams } = this.#state;
    counters.streamBytesReceived += used;
    if (counters.streamBytesReceived <= streams.window.limit) return true;
    this.#fail(FAULT.connectionCredit);
    return false;
  }

  /** The reader took bytes: credit for as many more is due, sooner or later. */
  consumed(half: ReceiveHalf, bytes: number): void {
    const { control, streams } = this.#state;
    streams.window.consume(bytes);
    if (streams.window.due) control.credit();
    if (half.finalSize === undefined && half.window.due) control.streamCredit(half.id);
  }

  /** Credit of what nobody will read goes back to the peer. */
  forfeit(half: ReceiveHalf): void {
    const { control, streams } = this.#state;
    streams.window.forfeit(half.forfeit());
    if (streams.window.due) control.credit();
    if (half.over) this.#delivery.settle(half.id);
  }
}

/** Challenges and answers go where nothing else may go yet (RFC 9000 section 9.1: probing packets). */
function isProbe(bytes: Uint8Array): boolean {
  return bytes[0] === FRAME.PATH_CHALLENGE || bytes[0] === FRAME.PATH_RESPONSE;
}
