import { ACK_DELAY_MAX_MS, ackDelayMs } from "./ack-tracker.ts";

/** RFC 9002 section 6.2.2, with 100 ms where the path is known to be near. */
const INITIAL_RTT_MS = 333;
const GRANULARITY_MS = 0.5;
/** Event loops are late by milliseconds; a probe timer below this only wastes packets. */
const PTO_MIN_MS = 5;

/** Round-trip estimate of one path, RFC 9002 section 5. */
export class Rtt {
  smoothed: number;
  variation: number;
  latest: number;
  min: number = Infinity;
  #sampled = false;

  constructor(initialMs: number = INITIAL_RTT_MS) {
    this.smoothed = initialMs;
    this.latest = initialMs;
    this.variation = initialMs / 2;
  }

  get sampled(): boolean {
    return this.#sampled;
  }

  /** @param delayMs - how long the peer says it held the ACK back */
  sample(rttMs: number, delayMs: number): void {
    const raw = Math.max(rttMs, 0.001);
    this.latest = raw;
    this.min = Math.min(this.min, raw);
    if (!this.#sampled) {
      this.#sampled = true;
      this.smoothed = raw;
      this.variation = raw / 2;
      return;
    }
    const adjusted = raw - delayMs >= this.min ? raw - delayMs : raw;
    this.variation += (Math.abs(this.smoothed - adjusted) - this.variation) / 4;
    this.smoothed += (adjusted - this.smoothed) / 8;
    this.latest = adjusted;
  }

  /** How long before a packet is lost by time, RFC 9002 section 6.1.2. */
  get lossDelayMs(): number {
    return Math.max((9 / 8) * Math.max(this.smoothed, this.latest), GRANULARITY_MS);
  }

  /** Probe timeout without back-off. */
  get ptoMs(): number {
    const heldMs = Math.min(ackDelayMs(this.smoothed), ACK_DELAY_MAX_MS);
    return Math.max(
      PTO_MIN_MS,
      this.smoothed + Math.max(4 * this.variation, GRANULARITY_MS) + heldMs,
    );
  }
}
