/** One burst of a cast as a plan: spans of symbols and control frames. */
import {
  DATA_HEADER_BYTES,
  type SendPlan,
  SPAN,
  SPAN_FRAMES,
  SPAN_SYMBOLS,
  TAG_BYTES,
} from "../../backend/port.ts";
import { CONTENT_OBJECT, type Geometry } from "./geometry.ts";

export const SPANS_MOST = 64;
const PAYLOAD_MOST = 1024 * 1024;

export class Burst {
  packets = 0;
  /** UDP payload. */
  wireBytes = 0;
  readonly #geometry: Geometry;
  readonly #plan: { -readonly [K in keyof SendPlan]: SendPlan[K] };
  readonly #sources: Uint8Array[] = [];
  /** Packets up to the end of each span. */
  readonly #ends: number[] = [];
  #payload = 0;

  constructor(geometry: Geometry) {
    this.#geometry = geometry;
    this.#plan = {
      spans: new Float64Array(SPANS_MOST * SPAN.STRIDE),
      spanCount: 0,
      sources: this.#sources,
      packetBytes: geometry.packetBytes,
      skip: 0,
    };
  }

  get plan(): SendPlan {
    return this.#plan;
  }

  /** Symbols it can still take. */
  get room(): number {
    if (this.#plan.spanCount === SPANS_MOST) return 0;
    return Math.floor((PAYLOAD_MOST - this.#payload) / this.#geometry.symbolBytes);
  }

  clear(): void {
    this.#plan.spanCount = 0;
    this.#sources.length = 0;
    this.#ends.length = 0;
    this.packets = 0;
    this.wireBytes = 0;
    this.#payload = 0;
  }

  /** @param plaintext - of one packet */
  frames(plaintext: Uint8Array): void {
    this.#span(SPAN_FRAMES, plaintext, 0, plaintext.length, 0);
    this.#count(1, DATA_HEADER_BYTES + plaintext.length + TAG_BYTES);
  }

  /** @param bytes - holds the symbols from byte `at` on, whole ones */
  symbols(block: number, first: number, count: number, bytes: Uint8Array, at: number): void {
    const { symbolBytes, packetBytes } = this.#geometry;
    this.#span(SPAN_SYMBOLS, bytes, at, count * symbolBytes, block * 0x1_0000 + first);
    this.#count(count, count * packetBytes);
  }

  /** The first span of which the socket did not take all, and how many of its packets it took. */
  cut(packets: number): { readonly span: number; readonly taken: number } {
    const span = this.#ends.findIndex((end) => end > packets);
    const start = span > 0 ? (this.#ends[span - 1] as number) : 0;
    return span < 0 ? { span: this.#ends.length, taken: 0 } : { span, taken: packets - start };
  }

  #span(kind: number, source: Uint8Array, at: number, length: number, offset: number): void {
    const { spans } = this.#plan;
    const row = this.#plan.spanCount++ * SPAN.STRIDE;
    spans[row + SPAN.kind] = kind;
    spans[row + SPAN.source] = this.#sources.push(source) - 1;
    spans[row + SPAN.at] = at;
    spans[row + SPAN.length] = length;
    spans[row + SPAN.stream] = kind === SPAN_SYMBOLS ? CONTENT_OBJECT : 0;
    spans[row + SPAN.offset] = offset;
    spans[row + SPAN.fin] = 0;
    this.#payload += length;
  }

  #count(packets: number, wireBytes: number): void {
    this.packets += packets;
    this.wireBytes += wireBytes;
    this.#ends.push(this.packets);
  }
}
