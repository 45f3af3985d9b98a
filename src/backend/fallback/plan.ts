import {
  BULK_OVERHEAD_BYTES,
  DATA_HEADER_BYTES,
  type SendPlan,
  SPAN,
  SPAN_FRAMES,
  SPAN_SYMBOLS,
  SYMBOL_OVERHEAD_BYTES,
  TAG_BYTES,
} from "../port.ts";
import { MOST_PACKET_BYTES } from "./packet-opener.ts";

const MOST_SPANS = 64;
const MOST_PAYLOAD_BYTES = 1_048_576;
const LEAST_PACKET_BYTES = 80;
const MOST_STREAM_ID = 2 ** 32 - 1;
const MOST_OFFSET = 2 ** 48 - 1;
const MOST_OBJECT = 65_535;
/** Symbols that one block may number. */
const SYMBOL_NUMBERS = 65_536;

/**
 * Refuses a plan that no packet may be made of, before any packet is.
 *
 * @throws {RangeError} naming the first number out of its limits
 */
export function checkPlan(plan: SendPlan): void {
  require("packetBytes", plan.packetBytes, LEAST_PACKET_BYTES, MOST_PACKET_BYTES);
  require("skip", plan.skip, 0, MOST_STREAM_ID);
  require("spanCount", plan.spanCount, 0, Math.min(
    MOST_SPANS,
    Math.floor(plan.spans.length / SPAN.STRIDE),
  ));
  let payload = 0;
  for (let span = 0; span < plan.spanCount; span++) {
    checkSpan(plan, span * SPAN.STRIDE);
    payload += plan.spans[span * SPAN.STRIDE + SPAN.length] as number;
  }
  require("payload of the plan", payload, 0, MOST_PAYLOAD_BYTES);
}

function checkSpan(plan: SendPlan, at: number): void {
  const { spans, sources } = plan;
  require("span kind", spans[at + SPAN.kind], SPAN_FRAMES, SPAN_SYMBOLS);
  require("span source", spans[at + SPAN.source], 0, sources.length - 1);
  const source = sources[spans[at + SPAN.source] as number] as Uint8Array;
  require("span start", spans[at + SPAN.at], 0, source.length);
  require("span length", spans[at + SPAN.length], 0, source.length -
    (spans[at + SPAN.at] as number));
  const length = spans[at + SPAN.length] as number;
  if (spans[at + SPAN.kind] === SPAN_FRAMES) {
    require("frames", length, 0, plan.packetBytes - DATA_HEADER_BYTES - TAG_BYTES);
    return;
  }
  if (spans[at + SPAN.kind] === SPAN_SYMBOLS) {
    checkSymbols(plan, at);
    return;
  }
  require("stream id", spans[at + SPAN.stream], 0, MOST_STREAM_ID);
  require("stream offset", spans[at + SPAN.offset], 0, MOST_OFFSET - length);
  require("fin", spans[at + SPAN.fin], 0, 1);
}

/** One or more whole symbols that do not run past their block. */
function checkSymbols({ spans, packetBytes }: SendPlan, at: number): void {
  require("object", spans[at + SPAN.stream], 0, MOST_OBJECT);
  require("first symbol", spans[at + SPAN.offset], 0, MOST_OFFSET);
  const symbols = (spans[at + SPAN.length] as number) / (packetBytes - SYMBOL_OVERHEAD_BYTES);
  const left = SYMBOL_NUMBERS - ((spans[at + SPAN.offset] as number) % SYMBOL_NUMBERS);
  require("symbols of one block", symbols, 1, left);
}

/** Payload bytes of a full packet of a span of streams or symbols. */
export function chunkOf(plan: SendPlan, at: number): number {
  const isSymbols = plan.spans[at + SPAN.kind] === SPAN_SYMBOLS;
  return plan.packetBytes - (isSymbols ? SYMBOL_OVERHEAD_BYTES : BULK_OVERHEAD_BYTES);
}

/** Packets that a span of a checked plan makes. */
export function packetsOf(plan: SendPlan, at: number): number {
  if (plan.spans[at + SPAN.kind] === SPAN_FRAMES) return 1;
  return Math.max(1, Math.ceil((plan.spans[at + SPAN.length] as number) / chunkOf(plan, at)));
}

function require(what: string, value: number | undefined, least: number, most: number): void {
  if (value !== undefined && Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${what} is ${value}, not a whole number from ${least} to ${most}`);
}
