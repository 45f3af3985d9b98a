/**
 * How fast a member may speak. Nobody tells a multicast sender of congestion but those who miss something
 * (RFC 8085 section 4.1): fewer bytes after losses, more while there are none, never below a floor that
 * keeps one member behind a bad radio from silencing the group.
 */

/** 10 Mbit/s: what any network that carries multicast bears. */
const FLOOR_BYTES_PER_SECOND = 1_250_000;
/** 100 Mbit/s. */
export const DEFAULT_RATE_BYTES_PER_SECOND = 12_500_000;
const ROUND_MS = 200;
const LOSS_TOLERATED = 0.02;
const DECREASE = 0.85;
const INCREASE_START = 1.5;
const INCREASE = 1.05;
/** Bursts: long enough that a signature covers many packets, short enough for a switch's buffer. */
const BURST_MS = 5;
const BURST_BYTES_MIN = 12_000;

export class GroupRate {
  readonly #ceiling: number;
  readonly #floor: number;
  #rate: number;
  #tokens: number;
  #filledAt = Number.NEGATIVE_INFINITY;
  #roundEnds = Number.NEGATIVE_INFINITY;
  #sentInRound = 0;
  #worstLoss = 0;
  #sawLoss = false;

  /** @param ceiling - bytes a second */
  constructor(ceiling: number) {
    this.#ceiling = ceiling;
    this.#floor = Math.min(ceiling, FLOOR_BYTES_PER_SECOND);
    this.#rate = this.#floor;
    this.#tokens = this.#burst();
  }

  /** Bytes a second. */
  get rate(): number {
    return this.#rate;
  }

  /** Bytes that may leave now. Whoever asks when it may may have looked at the clock later than who then sends. */
  available(now: number): number {
    if (this.#filledAt === Number.NEGATIVE_INFINITY) this.#filledAt = now;
    const elapsed = Math.max(0, now - this.#filledAt);
    this.#tokens = Math.min(this.#burst(), this.#tokens + (elapsed * this.#rate) / 1000);
    this.#filledAt += elapsed;
    return this.#tokens;
  }

  /** When a burst of this many bytes, or the largest there is, may leave. */
  readyAt(bytes: number, now: number): number {
    const short = Math.min(bytes, this.#burst()) - this.available(now);
    return short <= 0 ? now : now + (1000 * short) / this.#rate;
  }

  spend(bytes: number, now: number): void {
    this.#tokens -= bytes;
    this.#sentInRound += bytes;
    if (now >= this.#roundEnds) this.#endRound(now);
  }

  /** What one member received and missed of late. */
  report(received: number, missed: number): void {
    const all = received + missed;
    if (all > 0) this.#worstLoss = Math.max(this.#worstLoss, missed / all);
  }

  #burst(): number {
    return Math.max(BURST_BYTES_MIN, (this.#rate * BURST_MS) / 1000);
  }

  #endRound(now: number): void {
    const isLossy = this.#worstLoss > LOSS_TOLERATED;
    // A sender that had little to say learns nothing from silence.
    const wasBusy = this.#sentInRound > (this.#rate * ROUND_MS) / 2000;
    this.#sawLoss ||= isLossy;
    if (isLossy) this.#rate *= DECREASE;
    else if (wasBusy) this.#rate *= this.#sawLoss ? INCREASE : INCREASE_START;
    this.#rate = Math.min(this.#ceiling, Math.max(this.#floor, this.#rate));
    this.#roundEnds = now + ROUND_MS;
    this.#sentInRound = 0;
    this.#worstLoss = 0;
  }
}
