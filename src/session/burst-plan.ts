import {
  BULK_OVERHEAD_BYTES,
  DATA_HEADER_BYTES,
  type SendPlan,
  SPAN,
  SPAN_FRAMES,
  SPAN_STREAM,
  TAG_BYTES,
} from "../backend/port.ts";
import { FrameWriter } from "../wire/frames-write.ts";
import type { ControlItem } from "./control.ts";
import { SentRun } from "./ledger.ts";
import { BASE_PACKET_BYTES } from "./packet-size.ts";
import type { SendHalf } from "./send-half.ts";

/** What the port takes in one call. */
const SPANS_MAX = 64;
const PLAN_BYTES_MAX = 1_048_576;
const FRAME_PACKETS_MAX = 16;
export const FRAMES_OVERHEAD_BYTES: number = DATA_HEADER_BYTES + TAG_BYTES;

const NOTHING = new Uint8Array(0);
const UNSENT = undefined as unknown as SentRun["burst"];

type MutablePlan = { -readonly [Key in keyof SendPlan]: SendPlan[Key] } & { sources: Uint8Array[] };

/** One burst as the port wants it, and beside each span the run that will stand for it in the books. */
export class BurstPlan {
  readonly plan: MutablePlan;
  runs: SentRun[] = [];
  /** UDP payload of what is planned. */
  bytes = 0;
  framePackets = 0;
  readonly #writers: FrameWriter[] = [];
  readonly #writerBytes: number;

  /** @param largestBytes - UDP payload of the largest packet there may be */
  constructor(largestBytes: number) {
    this.#writerBytes = largestBytes;
    this.plan = {
      spans: new Float64Array(4 * SPAN.STRIDE),
      spanCount: 0,
      sources: [],
      packetBytes: BASE_PACKET_BYTES,
      skip: 0,
    };
  }

  begin(packetBytes: number, skip: number): void {
    this.runs = [];
    this.bytes = 0;
    this.framePackets = 0;
    this.plan.spanCount = 0;
    this.plan.sources = [];
    this.plan.packetBytes = packetBytes;
    this.plan.skip = skip;
  }

  /** Stream bytes of a full packet. */
  get payload(): number {
    return this.plan.packetBytes - BULK_OVERHEAD_BYTES;
  }

  /** Full packets that one more span may hold, given a budget for the whole plan. */
  packetsLeft(budget: number): number {
    if (this.plan.spanCount === SPANS_MAX) return 0;
    return Math.floor((Math.min(budget, PLAN_BYTES_MAX) - this.bytes) / this.plan.packetBytes);
  }

  /** A buffer for the next packet of frames; undefined where the plan has enough of them. */
  writer(): FrameWriter | undefined {
    if (this.framePackets === FRAME_PACKETS_MAX) return undefined;
    let writer = this.#writers[this.framePackets];
    if (writer === undefined) {
      writer = new FrameWriter(new Uint8Array(this.#writerBytes));
      this.#writers.push(writer);
    }
    writer.begin(this.plan.packetBytes - FRAMES_OVERHEAD_BYTES);
    return writer;
  }

  /** @param items - what of the frames matters later; none means that the packet asks for no ACK */
  addFrames(writer: FrameWriter, items: readonly ControlItem[]): void {
    const bytes = writer.length + FRAMES_OVERHEAD_BYTES;
    this.#run(1, bytes, bytes).items = items;
    this.#span(SPAN_FRAMES, writer.bytes, 0, writer.length);
    this.framePackets++;
  }

  addStream(half: SendHalf, offset: number, length: number, fin: boolean, fresh: boolean): void {
    const { payload, plan } = this;
    const count = Math.max(1, Math.ceil(length / payload));
    const tail = length - (count - 1) * payload + BULK_OVERHEAD_BYTES;
    const run = this.#run(count, count === 1 ? tail : plan.packetBytes, tail);
    run.stream = half;
    run.offset = offset;
    run.length = length;
    run.payload = payload;
    run.fin = fin;
    run.fresh = fresh;
    const block = length > 0 ? half.buffer.block(offset) : NOTHING;
    const at = this.#span(
      SPAN_STREAM,
      block,
      length > 0 ? half.buffer.position(offset) : 0,
      length,
    );
    plan.spans[at + SPAN.stream] = half.id;
    plan.spans[at + SPAN.offset] = offset;
    plan.spans[at + SPAN.fin] = fin ? 1 : 0;
  }

  #run(count: number, packetBytes: number, tailBytes: number): SentRun {
    const run = new SentRun(UNSENT, count, packetBytes, tailBytes);
    this.runs.push(run);
    this.bytes += run.bytes;
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
