import type { SendPlan, SendResult } from "../backend/port.ts";
import { DATAGRAM_FRAME_BYTES, FRAME, STREAM_FRAME_BYTES } from "../wire/frames.ts";
import type { FrameWriter } from "../wire/frames-write.ts";
import { type BurstPlan, FRAMES_OVERHEAD_BYTES } from "./burst-plan.ts";
import type { ControlItem } from "./control.ts";
import type { Delivery } from "./delivery.ts";
import type { KeyGeneration } from "./key-generation.ts";
import type { SentRun } from "./ledger.ts";
import { BASE_PACKET_BYTES } from "./packet-size.ts";
import type { PathState } from "./path-state.ts";
import type { SendHalf } from "./send-half.ts";
import type { SessionState } from "./session-state.ts";
import { SkipDraw } from "./skip-draw.ts";

/** Where several streams share, one gets this many packets at a turn: about one train. */
const TURN_PACKETS = 44;

const NOTHING = new Uint8Array(0);

/** Fills one burst at a time, and enters in the books what of it left. */
export class Planner {
  readonly #state: SessionState;
  readonly #delivery: Delivery;
  readonly #skips: SkipDraw;
  readonly #burst: BurstPlan;
  /** Generations whose ACKs the burst carries, all in its first packet. */
  #acknowledging: KeyGeneration[] = [];
  #keys: KeyGeneration | undefined;
  #path: PathState | undefined;
  #to = 0;

  constructor(state: SessionState, delivery: Delivery, burst: BurstPlan) {
    this.#state = state;
    this.#delivery = delivery;
    this.#skips = new SkipDraw(state.config.random);
    this.#burst = burst;
  }

  get plan(): SendPlan {
    return this.#burst.plan;
  }

  get empty(): boolean {
    return this.#burst.plan.spanCount === 0;
  }

  /** UDP payload of what is planned. */
  get bytes(): number {
    return this.#burst.bytes;
  }

  /** @param to - path id, where packets go aside from the path in use */
  begin(keys: KeyGeneration, path: PathState, packetBytes: number, to: number = path.id): void {
    this.#keys = keys;
    this.#path = path;
    this.#to = to;
    this.#acknowledging = [];
    this.#burst.begin(packetBytes, this.#skips.due(keys.nextPacket));
  }

  /** One packet of frames; `write` notes what of it matters later. */
  frames(write: (writer: FrameWriter, items: ControlItem[]) => void): void {
    const writer = this.#burst.writer();
    if (writer === undefined) return;
    const items: ControlItem[] = [];
    write(writer, items);
    this.#burst.addFrames(writer, items);
  }

  /** ACKs that are due, or owed where other frames go anyway, control frames, datagrams and short stream data. */
  addFrames(now: number, budget: number): void {
    let writer = this.#burst.writer();
    while (writer !== undefined && this.#fillPacket(writer, now, budget))
      writer = this.#burst.writer();
  }

  /** Spans of stream bytes, as many as `budget` bytes of packets carry. */
  addStreams(budget: number): void {
    const { queue } = this.#state;
    const { payload } = this.#burst;
    for (;;) {
      const packets = this.#burst.packetsLeft(budget);
      const half = packets > 0 ? queue.head() : undefined;
      if (half === undefined) return;
      const turn = queue.shared(half) ? Math.min(packets, TURN_PACKETS) : packets;
      const length = half.nextLength(turn * payload, queue.room);
      const { offset, fin, fresh } = this.#take(half, length);
      this.#burst.addStream(half, offset, length, fin, fresh);
      queue.rotate(half);
    }
  }

  /** The burst went, in whole or in part. @returns whether in whole */
  commit(result: SendResult, now: number): boolean {
    const keys = this.#keys as KeyGeneration;
    const path = this.#path as PathState;
    let packet = result.firstPacket;
    let left = result.packets;
    if (left > 0 && packet > keys.nextPacket) {
      keys.skip(keys.nextPacket, packet);
      this.#skips.redraw(packet);
    }
    const burst = path.burst(now);
    const unsent: SentRun[] = [];
    for (const run of this.#burst.runs) {
      if (left < run.count) unsent.push(left > 0 ? run.splitAfter(left) : run);
      if (left <= 0) continue;
      run.burst = burst;
      run.packet = packet;
      packet += run.count;
      left -= run.count;
      this.#enter(run, keys, path, result.tooBig > 0, now);
    }
    if (result.packets > 0) keys.nextPacket = packet;
    for (const run of unsent.reverse()) this.#delivery.unsent(run);
    if (result.packets === 0) for (const each of this.#acknowledging) each.acks.unwritten(now);
    return unsent.length === 0;
  }

  #enter(run: SentRun, keys: KeyGeneration, path: PathState, tooBig: boolean, now: number): void {
    const { counters, paths } = this.#state;
    const { bytes } = run;
    run.sequence = path.nextSequence;
    path.nextSequence += run.count;
    path.packetsSent += run.count;
    counters.packetsSent += run.count;
    counters.bytesSent += bytes;
    paths.sent(this.#to, bytes);
    keys.countSent(run.count, run.packetBytes);
    if (run.items?.length === 0) {
      keys.noteBare(run.packet, now);
      return;
    }
    if (tooBig && run.packetBytes > BASE_PACKET_BYTES) {
      path.size.tooBig(run.packetBytes);
      this.#delivery.lost(run);
      return;
    }
    path.controller.onSent(now, bytes, path.inFlight);
    path.inFlight += bytes;
    path.askedAt = now;
    keys.ledger.append(run);
  }

  /** @returns whether another packet may have something to carry */
  #fillPacket(writer: FrameWriter, now: number, budget: number): boolean {
    const { control, datagrams } = this.#state;
    const items: ControlItem[] = [];
    const data =
      this.#burst.packetsLeft(budget) > 0 &&
      (datagrams.head !== undefined || this.#short(writer.room) !== undefined);
    if (this.#burst.framePackets === 0) this.#writeAcks(writer, now, data || control.pending);
    if (control.pending) control.fill(writer, items, now, this.#state.paths.rttMs);
    if (data) {
      this.#writeDatagrams(writer, items);
      this.#writeShort(writer, items);
    }
    if (writer.length > 0) this.#burst.addFrames(writer, items);
    return items.length > 0;
  }

  #writeAcks(writer: FrameWriter, now: number, company: boolean): void {
    const { all } = this.#state.generations;
    if (!company && !all.some(({ acks }) => acks.dueAt <= now)) return;
    for (const keys of all) {
      const { acks, generation } = keys;
      if (!acks.owed) continue;
      if (!writer.ack(generation.receiveCid, acks.received, acks.delayUs(now), acks.marks)) return;
      acks.written(now, this.#state.paths.rttMs);
      this.#acknowledging.push(keys);
    }
  }

  #writeDatagrams(writer: FrameWriter, items: ControlItem[]): void {
    const { datagrams } = this.#state;
    const most = this.plan.packetBytes - FRAMES_OVERHEAD_BYTES - DATAGRAM_FRAME_BYTES;
    for (let head = datagrams.head; head !== undefined; head = datagrams.head) {
      const fits = head.length <= most;
      if (fits && !writer.datagram(head)) return;
      if (datagrams.shift()) this.#state.emit({ kind: "drain" });
      if (fits) items.push({ kind: FRAME.DATAGRAM, id: 0 });
    }
  }

  /** The stream whose turn it is, where all it can send fits into `room`. */
  #short(room: number): SendHalf | undefined {
    const half = this.#state.queue.head();
    return half !== undefined && half.sendable + STREAM_FRAME_BYTES <= room ? half : undefined;
  }

  #writeShort(writer: FrameWriter, items: ControlItem[]): void {
    const { queue } = this.#state;
    for (let half = this.#short(writer.room); half !== undefined; half = this.#short(writer.room)) {
      const length = half.nextLength(writer.room - STREAM_FRAME_BYTES, queue.room);
      const { offset, fin, fresh } = this.#take(half, length);
      const at = length > 0 ? half.buffer.position(offset) : 0;
      const data = length > 0 ? half.buffer.block(offset).subarray(at, at + length) : NOTHING;
      writer.stream(half.id, offset, data, fin);
      items.push({ kind: FRAME.STREAM, id: half.id, half, offset, length, fin, fresh });
      queue.rotate(half);
    }
  }

  /** Counts what goes next of a stream as sent. */
  #take(half: SendHalf, length: number): { offset: number; fin: boolean; fresh: boolean } {
    const { counters, queue } = this.#state;
    const offset = half.nextOffset();
    const fresh = offset === half.sentTo;
    const fin = half.take(offset, length);
    if (fresh) {
      queue.used += length;
      counters.streamBytesSent += length;
    } else counters.retransmittedBytes += length;
    return { offset, fin, fresh };
  }
}
