import type { BlockPool } from "./block-pool.ts";
import { FAULT, type Fault } from "./close-codes.ts";
import { Reassembly } from "./reassembly.ts";
import { ReceiveWindow } from "./receive-window.ts";

/** Gaps in several streams together. */
export interface Gaps {
  count: number;
}

/** The receiving side of a stream. */
export class ReceiveHalf {
  readonly id: number;
  readonly window: ReceiveWindow;
  /** Bytes up to the highest one seen: what the peer has used of its credit. */
  highest = 0;
  finalSize: number | undefined;
  resetCode: number | undefined;
  /** We told the peer to stop: what still comes is counted and dropped. */
  stopped = false;
  /** A `readable` waits in the event queue. */
  announced = false;
  /** Takes bytes as they come, borrowed for the call; false stops it until `paused` is cleared. */
  sink: ((bytes: Uint8Array) => boolean) | undefined;
  paused = false;
  readonly #reassembly: Reassembly;
  readonly #gapsOfAll: Gaps;
  #gaps = 0;

  /** @param gaps - counts those of this stream, among others */
  constructor(id: number, window: number, now: number, pool: BlockPool, gaps: Gaps) {
    this.id = id;
    this.#gapsOfAll = gaps;
    this.#reassembly = new Reassembly(pool);
    this.window = new ReceiveWindow(window, now);
  }

  get discards(): boolean {
    return this.stopped || this.resetCode !== undefined;
  }

  /** Something to read, or the end. */
  get readable(): boolean {
    return !this.discards && (this.#reassembly.readyTo > this.#reassembly.readTo || this.ended);
  }

  /** All bytes were read. */
  get ended(): boolean {
    return this.#reassembly.readTo === this.finalSize;
  }

  /** Nothing more will come that matters. */
  get over(): boolean {
    return (
      this.resetCode !== undefined || this.ended || (this.stopped && this.finalSize !== undefined)
    );
  }

  /**
   * Checks a range against credit and final size, and counts it.
   *
   * @returns the fault, or how many bytes of the connection's credit it uses
   */
  admit(offset: number, length: number, fin: boolean): Fault | number {
    const end = offset + length;
    if (this.finalSize !== undefined && (end > this.finalSize || (fin && end !== this.finalSize)))
      return FAULT.finalSize;
    if (fin && end < this.highest) return FAULT.finalSize;
    if (end > this.window.limit) return FAULT.streamCredit;
    if (fin) this.finalSize = end;
    const used = Math.max(0, end - this.highest);
    this.highest += used;
    return used;
  }

  insert(offset: number, bytes: Uint8Array): void {
    this.#reassembly.insert(offset, bytes);
    this.#countGaps();
  }

  /**
   * Hands over what is in order to the sink; the bytes given are copied only where they have to wait.
   *
   * @returns how many bytes the sink got
   */
  pour(offset: number, bytes: Uint8Array): number {
    const { sink } = this;
    const before = this.#reassembly.readTo;
    const next = bytes.subarray(before - offset);
    if (bytes.length === 0) {
      // Nothing new: what waits is handed over.
    } else if (sink !== undefined && !this.paused && this.#reassembly.empty && offset <= before) {
      if (next.length > 0) {
        this.#reassembly.pass(next.length);
        this.paused = !sink(next);
      }
    } else this.#reassembly.insert(offset, bytes, sink !== undefined);
    this.#drain();
    this.#countGaps();
    const poured = this.#reassembly.readTo - before;
    this.window.consume(poured);
    return poured;
  }

  #drain(): void {
    while (this.sink !== undefined && !this.paused) {
      const goesOn = this.#reassembly.lend(this.sink);
      if (goesOn === undefined) return;
      this.paused = !goesOn;
    }
  }

  /** The peer gave up sending: without effect only where its proper end was read before. @returns as `admit` */
  reset(code: number, finalSize: number): Fault | number {
    const { ended } = this;
    const used = this.admit(finalSize, 0, true);
    if (typeof used === "number" && !ended) {
      this.resetCode = code;
      this.#clear();
    }
    return used;
  }

  stop(): void {
    this.stopped = true;
    this.#clear();
  }

  #clear(): void {
    this.#reassembly.clear();
    this.#countGaps();
  }

  #countGaps(): void {
    const { gaps } = this.#reassembly;
    this.#gapsOfAll.count += gaps - this.#gaps;
    this.#gaps = gaps;
  }

  /** The end and all before it is here. */
  get isWhole(): boolean {
    return (
      this.finalSize !== undefined && !this.discards && this.#reassembly.holdsTo(this.finalSize)
    );
  }

  read(): Uint8Array | undefined {
    if (this.discards) return undefined;
    const bytes = this.#reassembly.read();
    if (bytes !== undefined) this.window.consume(bytes.length);
    return bytes;
  }

  /** Bytes used of the credit that no reader will consume any more. @returns how many, once */
  forfeit(): number {
    const bytes = this.highest - this.window.consumed;
    this.window.forfeit(bytes);
    return bytes;
  }
}
