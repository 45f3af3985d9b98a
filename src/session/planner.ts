import { BULK_OVERHEAD_BYTES, DATA_HEADER_BYTES, type SendPlan, type SendResult, SPAN, SPAN_FRAMES, SPAN_STREAM, TAG_BYTES } from "../backend/port.ts";
import { DATAGRAM_FRAME_BYTES, FRAME, STREAM_FRAME_BYTES } from "../wire/frames.ts";
import { FrameWriter } from "../wire/frames-write.ts";
import type { ControlItem } from "./control.ts";
import type { Delivery } from "./delivery.ts";
import type { KeyGeneration } from "./key-generation.ts";
import { SentRun } from "./ledger.ts";
import { BASE_PACKET_BYTES } from "./packet-size.ts";
import type { PathState } from "./path-state.ts";
import type { SendHalf } from "./send-half.ts";
import type { SessionState } from "./session-state.ts";
import { SkipDraw } from "./skip-draw.ts";

const SPANS_MAX = 64;
const PLAN_BYTES_MAX = 1_048_576;
const FRAME_PACKETS_MAX = 16;
/** Where several streams share, one gets this many packets at a turn: about one train. */
const TURN_PACKETS = 44;
export const FRAMES_OVERHEAD_BYTES: number = DATA_HEADER_BYTES + TAG_BYTES;

type MutablePlan = { -readonly [Key in keyof SendPlan]: SendPlan[Key] } & { sources: Uint8Array[] };

/** Builds one burst at a time, and enters in the books what of it left. */
export class Planner {
  readonly plan: MutablePlan;
  readonly #state: SessionState;
  readonly #delivery: Delivery;
  readonly #skips: SkipDraw;
  readonly #writers: FrameWriter[] = [];
  readonly #runs: SentRun[] = [];
  readonly #acknowledging: KeyGeneration[] = [];
  #keys: KeyGeneration | undefined;
  #path: PathState | undefined;
  #bytes = 0;
  #framePackets = 0;

  constructor(state: SessionState, delivery: Delivery) {
    this.#state = state;
    this.#delivery = delivery;
    this.#skips = new SkipDraw(state.config.random);
    this.plan = { spans: new Float64Array(4 * SPAN.STRIDE), spanCount: 0, sources: [], packetBytes: BASE_PACKET_BYTES, skip: 0 };
  }

  get empty(): boolean {
    return this.plan.spanCount === 0;
  }

  /** UDP payload of what is planned. */
  get bytes(): number {
    return this.#bytes;
  }

  begin(keys: KeyGeneration, path: PathState, packetBytes: number): void {
    this.#keys = keys;
    this.#path = path;
    this.#bytes = 0;
    this.#framePackets = 0;
    this.#runs.length = 0;
    this.#acknowledging.length = 0;
    this.plan.spanCount = 0;
    this.plan.sources.length = 0;
    this.plan.packetBytes = packetBytes;
    this.plan.skip = this.#skips.draw(keys.nextPacket);
  }

  /** One packet of frames; `write` notes what of it matters later. */
  frames(write: (writer: FrameWriter, items: ControlItem[]) => void): void {
    const writer = this.#writer();
    const items: ControlItem[] = [];
    write(writer, items);
    this.#endFrames(writer, items);
  }

  /** ACKs that are due, or owed where other frames go anyway, control frames, datagrams and short stream data. */
  addFrames(now: number, budget: number): void {
    while (this.#framePackets < FRAME_PACKETS_MAX) {
      const writer = this.#writer();
      const items: ControlItem[] = [];
      const first = this.#framePackets === 0;
      const { control } = this.#state;
      const within = this.#bytes + this.plan.packetBytes <= budget;
      const company = control.pending || (within && (this.#state.datagrams.head !== undefined || this.#short(writer.room) !== undefined));
      if (first) this.#writeAcks(writer, now, company);
      if (control.pending) control.fill(writer, items, now, this.#path?.rtt.smoothed ?? 0);
      if (within) {
        this.#writeDatagrams(writer, items);
        this.#writeShort(writer, items);
      }
      if (writer.length === 0) return;
      this.#endFrames(writer, items);
      if (items.length === 0) return;
    }
  }

  /** Spans of stream bytes, as many as `budget` bytes of packets carry. */
  addStreams(budget: number): void {
    const { queue } = this.#state;
    const { plan } = this;
    const payload = plan.packetBytes - BULK_OVERHEAD_BYTES;
    while (plan.spanCount < SPANS_MAX) {
      const left = Math.min(budget, PLAN_BYTES_MAX) - this.#bytes;
      const packets = Math.floor(left / plan.packetBytes);
      const half = packets > 0 ? queue.head() : undefined;
      if (half === undefined) return;
      const turn = queue.shared(half) ? Math.min(packets, TURN_PACKETS) : packets;
      this.#addStream(half, half.nextLength(turn * payload, queue.room), payload);
      queue.rotate(half);
    }
  }

  /** The burst went, in whole or in part. @returns whether in whole */
  commit(result: SendResult, now: number): boolean {
    const keys = this.#keys as KeyGeneration;
    const path = this.#path as PathState;
    let packet = result.firstPacket;
    let left = result.packets;
    if (left > 0 && packet > keys.nextPacket) keys.skip(keys.nextPacket, packet);
    const burst = path.burst(now);
    const unsent: SentRun[] = [];
    for (const run of this.#runs) {
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
    const { counters } = this.#state;
    const { bytes } = run;
    run.sequence = path.nextSequence;
    path.nextSequence += run.count;
    path.packetsSent += run.count;
    counters.packetsSent += run.count;
    counters.bytesSent += bytes;
    this.#state.paths.sent(path.id, bytes);
    keys.countSent(run.count, run.packetBytes);
    if (run.stream === undefined && run.items?.length === 0) return;
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

  #addStream(half: SendHalf, length: number, payload: number): void {
    const { counters, queue } = this.#state;
    const offset = half.nextOffset();
    const fresh = offset === half.sentTo;
    const fin = half.take(offset, length);
    if (fresh) {
      queue.used += length;
      counters.streamBytesSent += length;
    } else counters.retransmittedBytes += length;
    this.#pushStream(half, offset, length, payload, fin, fresh);
  }

  #pushStream(half: SendHalf, offset: number, length: number, payload: number, fin: boolean, fresh: boolean): void {
    const count = Math.max(1, Math.ceil(length / payload));
    const tail = length - (count - 1) * payload + BULK_OVERHEAD_BYTES;
    const run = this.#run(count, count === 1 ? tail : this.plan.packetBytes, tail);
    run.stream = half;
    run.offset = offset;
    run.length = length;
    run.payload = payload;
    run.fin = fin;
    run.fresh = fresh;
    const at = this.#span(SPAN_STREAM, length > 0 ? half.buffer.block(offset) : NOTHING, length > 0 ? half.buffer.position(offset) : 0, length);
    this.plan.spans[at + SPAN.stream] = half.id;
    this.plan.spans[at + SPAN.offset] = offset;
    this.plan.spans[at + SPAN.fin] = fin ? 1 : 0;
  }

  #writer(): FrameWriter {
    const writer = this.#writers[this.#framePackets] ?? new FrameWriter(new Uint8Array(this.#state.config.ceilingBytes));
    this.#writers[this.#framePackets] = writer;
    writer.begin(this.plan.packetBytes - FRAMES_OVERHEAD_BYTES);
    return writer;
  }

  #endFrames(writer: FrameWriter, items: ControlItem[]): void {
    const bytes = writer.length + FRAMES_OVERHEAD_BYTES;
    this.#run(1, bytes, bytes).items = items;
    this.#span(SPAN_FRAMES, writer.bytes, 0, writer.length);
    this.#framePackets++;
  }

  #writeAcks(writer: FrameWriter, now: number, company: boolean): void {
    const { all } = this.#state.generations;
    if (!company && !all.some(({ acks }) => acks.dueAt <= now)) return;
    for (const keys of all) {
      const { acks } = keys;
      if (!acks.owed || !writer.ack(keys.generation.receiveCid, acks.received, acks.delayUs(now), acks.marks)) continue;
      acks.written();
      this.#acknowledging.push(keys);
    }
  }

  #writeDatagrams(writer: FrameWriter, items: ControlItem[]): void {
    const { datagrams } = this.#state;
    for (let head = datagrams.head; head !== undefined; head = datagrams.head) {
      const tooBig = head.length + DATAGRAM_FRAME_BYTES > this.plan.packetBytes - FRAMES_OVERHEAD_BYTES;
      if (!tooBig && !writer.datagram(head)) return;
      datagrams.shift();
      if (!tooBig) items.push({ kind: FRAME.DATAGRAM, id: 0 });
    }
  }

  /** The stream whose turn it is, where all it can send fits into `room`. */
  #short(room: number): SendHalf | undefined {
    const half = this.#state.queue.head();
    return half !== undefined && half.sendable + STREAM_FRAME_BYTES <= room ? half : undefined;
  }

  #writeShort(writer: FrameWriter, items: ControlItem[]): void {
    const { counters, queue } = this.#state;
    for (let half = this.#short(writer.room); half !== undefined; half = this.#short(writer.room)) {
      const offset = half.nextOffset();
      const length = half.nextLength(writer.room - STREAM_FRAME_BYTES, queue.room);
      const fresh = offset === half.sentTo;
      const fin = half.take(offset, length);
      const at = length > 0 ? half.buffer.position(offset) : 0;
      const data = length > 0 ? half.buffer.block(offset).subarray(at, at + length) : NOTHING;
      writer.stream(half.id, offset, data, fin);
      items.push({ kind: FRAME.STREAM, id: half.id, half, offset, length, fin, fresh });
      if (fresh) {
        queue.used += length;
        counters.streamBytesSent += length;
      } else counters.retransmittedBytes += length;
      queue.rotate(half);
    }
  }

  #run(count: number, packetBytes: number, tailBytes: number): SentRun {
    const run = new SentRun(UNSENT, count, packetBytes, tailBytes);
    this.#runs.push(run);
    this.#bytes += run.bytes;
    return run;
  }

  /** @returns where the span's columns begin */
  #span(kind: number, source: Uint8Array, sourceAt: number, length: number): number {
    const { plan } = this;
    const at = plan.spanCount++ * SPAN.STRIDE;
    if (at === plan.spans.length) {
      const wider = new Float64Array(2 * at);
      wider.set(plan.spans);
      plan.spans = wider;
    }
    let index = plan.sources.lastIndexOf(source);
    if (index < 0) index = plan.sources.push(source) - 1;
    plan.spans[at + SPAN.kind] = kind;
    plan.spans[at + SPAN.source] = index;
    plan.spans[at + SPAN.at] = sourceAt;
    plan.spans[at + SPAN.length] = length;
    plan.spans[at + SPAN.fin] = 0;
    return at;
  }
}

const NOTHING = new Uint8Array(0);
const UNSENT = undefined as unknown as SentRun["burst"];
