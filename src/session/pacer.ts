/** Timers are late by a millisecond or more, so at speed a burst is what a millisecond carries. */
const QUANTUM_MS = 1;
const QUANTUM_PACKETS_MIN = 2;
/** Slow paths have shallow queues: no burst beyond this below SLOW_RATE. */
const SLOW_QUANTUM_PACKETS = 10;
/** 100 Mbit/s in bytes a millisecond. */
const SLOW_RATE = 12_500;
const CATCH_UP_MS = 2;

/** A bucket that fills at the pacing rate, emptied in bursts that grow with it. */
export class Pacer {
  readonly #catchUpMs: number;
  #budget = Infinity;
  #filledAt = 0;

  /** @param catchUpMs - time without sending that may be made up for at once */
  constructor(catchUpMs: number = CATCH_UP_MS) {
    this.#catchUpMs = catchUpMs;
  }

  /** Bytes that may leave now; 0 where it is too early for a burst. */
  allowance(now: number, rate: number, packetBytes: number): number {
    const quantum = this.#quantum(rate, packetBytes);
    const most = Math.max(
      quantum,
      rate < SLOW_RATE ? SLOW_QUANTUM_PACKETS * packetBytes : rate * this.#catchUpMs,
    );
    this.#budget = Math.min(most, this.#budget + (now - this.#filledAt) * rate);
    this.#filledAt = now;
    // A hair of rounding must not make a wait of no length.
    return this.#budget >= quantum - 1 ? Math.max(this.#budget, quantum) : 0;
  }

  spend(bytes: number): void {
    this.#budget -= bytes;
  }

  /** When the next burst may leave. */
  readyAt(rate: number, packetBytes: number): number {
    return this.#filledAt + Math.max(0, this.#quantum(rate, packetBytes) - this.#budget) / rate;
  }

  #quantum(rate: number, packetBytes: number): number {
    return Math.max(rate * QUANTUM_MS, QUANTUM_PACKETS_MIN * packetBytes);
  }
}
