/**
 * The rate of a cast: doubled while nothing is lost, then raised slowly; after congestion it grows as
 * CUBIC's window does (RFC 9438), so that TCP beside it keeps its share.
 */

/** 10 Mbit/s in bytes a millisecond. */
const FIRST_RATE = 1250;
const STARTUP_GAIN = 2;
/** In 20 ms; and while a queue grows. */
const STEADY_GAIN = 1.03;
const QUEUED_GAIN = 1.005;
const CUT = 0.7;
/** Of what a full path delivers: its queue empties. */
const DRAIN = 0.9;
/** Time from a cut back to where it was; a TCP of 100 packets takes as long. */
const RECOVERY_MS = 4000;
/** So long without congestion, and the path may have changed: growth is steady again. */
const QUIET_MS = 10_000;
/** A rate that is not used proves nothing: it does not outgrow what was sent by more. */
const HEADROOM = 2;
const LEAST_RATE = 12;

export class RateFinder {
  /** Bytes a millisecond. */
  rate: number = FIRST_RATE;
  isStartup = true;
  readonly #isFixed: boolean;
  #cutAt = -Infinity;
  #rateBeforeCut = 0;

  /** @param fixed - bytes a second */
  constructor(fixed: number | undefined) {
    this.#isFixed = fixed !== undefined;
    if (fixed !== undefined) this.rate = fixed / 1000;
  }

  /** A round in which everything got through. @param sentRate - bytes a millisecond that left in it */
  calm(now: number, sentRate: number, roundMs: number, isQueued: boolean): void {
    if (this.#isFixed) return;
    const sinceCut = now - this.#cutAt;
    let rate =
      this.rate *
      (this.isStartup ? STARTUP_GAIN : (isQueued ? QUEUED_GAIN : STEADY_GAIN) ** (roundMs / 20));
    if (!this.isStartup && sinceCut < QUIET_MS) {
      const cube = ((sinceCut - RECOVERY_MS) / RECOVERY_MS) ** 3;
      rate = Math.max(this.rate, this.#rateBeforeCut * (1 + (1 - CUT) * cube));
    }
    this.rate = Math.max(this.rate, Math.min(rate, HEADROOM * Math.max(sentRate, FIRST_RATE)));
  }

  /** More was sent than ever before, and no more of it came: a queue takes the rest. */
  full(deliveredRate: number): void {
    if (this.#isFixed) return;
    this.isStartup = false;
    this.rate = Math.max(LEAST_RATE, DRAIN * deliveredRate);
  }

  /** A round that lost more than noise would. @param deliveredRate - to the slowest that counts */
  congested(now: number, deliveredRate: number): void {
    if (this.#isFixed) return;
    const top = this.isStartup ? Math.max(deliveredRate, LEAST_RATE) : this.rate;
    this.isStartup = false;
    this.#cutAt = now;
    this.#rateBeforeCut = top;
    this.rate = Math.max(LEAST_RATE, CUT * top);
  }
}
