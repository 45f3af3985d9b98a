/**
 * The rate of a cast: doubled while nothing is lost, then raised slowly; after congestion it grows as a
 * TCP would that had it for a rate (RFC 9438: a cubic, or linearly where that is faster), so that one
 * beside it keeps its share. Nothing is proved by a single round, so none changes it by much.
 */

/** 10 Mbit/s in bytes a millisecond. */
const FIRST_RATE = 1250;
const STARTUP_GAIN = 2;
/** Round trips are longer than they need to be, though everything comes: a queue, or busy machines. */
const DOUBTFUL_GAIN = 1.25;
/** In 20 ms: on the way back to what a cut took; above that; and above that while a queue grows. */
const RETURN_GAIN = 1.1;
const STEADY_GAIN = 1.03;
const QUEUED_GAIN = 1.005;
const ROUND_MS = 20;
/** RFC 9438: what a cut leaves, the cubic's scale, and the linear growth that is as fair. */
const CUT = 0.7;
const CUBIC = 0.4;
const RENO = (3 * (1 - CUT)) / (1 + CUT);
/** Near where it was cut a path may be full again. */
const NEAR = 0.95;
/** Of what a full path delivers: its queue empties. */
const DRAIN = 0.9;
/** So long without congestion, and the path may have changed: growth is steady again. */
const QUIET_MS = 10_000;
/** A rate that is not used proves nothing: it does not outgrow what was sent by more. */
const HEADROOM = 2;
const LEAST_RATE = 12;
const LEAST_RTT_MS = 0.5;

/** A round without congestion. */
export interface CalmRound {
  readonly ms: number;
  /** Bytes a millisecond that left in it. */
  readonly sentRate: number;
  /** The least round trip in it. */
  readonly rttMs: number;
  readonly isQueued: boolean;
}

export class RateFinder {
  /** Bytes a millisecond. */
  rate: number = FIRST_RATE;
  isStartup = true;
  readonly #packetBytes: number;
  readonly #isFixed: boolean;
  #cutAt = -Infinity;
  #rateBeforeCut = 0;

  /** @param fixed - bytes a second */
  constructor(fixed: number | undefined, packetBytes: number) {
    this.#packetBytes = packetBytes;
    this.#isFixed = fixed !== undefined;
    if (fixed !== undefined) this.rate = fixed / 1000;
  }

  calm(now: number, round: CalmRound): void {
    if (this.#isFixed) return;
    const most = HEADROOM * Math.max(round.sentRate, FIRST_RATE);
    const startup = round.isQueued ? DOUBTFUL_GAIN : STARTUP_GAIN;
    const next = this.isStartup ? startup * this.rate : this.#grown(now, round);
    this.rate = Math.max(this.rate, Math.min(next, most));
  }

  /** More leaves than comes out: the rate at which it does, for now. */
  hold(deliveredRate: number): void {
    if (this.#isFixed) return;
    this.rate = Math.max(FIRST_RATE, Math.min(this.rate, deliveredRate));
  }

  /** More than once more left than came out: a queue takes the rest. */
  full(deliveredRate: number): void {
    if (this.#isFixed) return;
    this.isStartup = false;
    this.rate = Math.max(LEAST_RATE, DRAIN * deliveredRate);
  }

  /** A round that lost more than noise would. @param deliveredRate - to the slowest that counts */
  congested(now: number, deliveredRate: number): void {
    if (this.#isFixed) return;
    const top = this.isStartup ? Math.min(this.rate, deliveredRate) : this.rate;
    this.isStartup = false;
    this.#cutAt = now;
    this.#rateBeforeCut = top;
    this.rate = Math.max(LEAST_RATE, CUT * top);
  }

  /** Whoever the rate was cut for is not waited for: it is what it was. */
  resume({ rate, isStartup }: Pick<RateFinder, "rate" | "isStartup">): void {
    if (this.#isFixed) return;
    this.rate = Math.max(this.rate, rate);
    this.isStartup = isStartup;
    this.#cutAt = -Infinity;
  }

  #grown(now: number, { ms, rttMs, isQueued }: CalmRound): number {
    const top = this.#rateBeforeCut;
    const sinceCut = now - this.#cutAt;
    const isReturning = sinceCut < QUIET_MS && this.rate < NEAR * top;
    const gain = isReturning ? RETURN_GAIN : isQueued ? QUEUED_GAIN : STEADY_GAIN;
    const steady = this.rate * gain ** (ms / ROUND_MS);
    return sinceCut < QUIET_MS ? Math.min(steady, this.#fair(sinceCut, rttMs)) : steady;
  }

  /** What a TCP would have by now. */
  #fair(sinceCutMs: number, rttMs: number): number {
    const packetsPerRate = Math.max(LEAST_RTT_MS, rttMs) / this.#packetBytes;
    const top = this.#rateBeforeCut * packetsPerRate;
    const backAt = Math.cbrt((top * (1 - CUT)) / CUBIC);
    const cubic = CUBIC * (sinceCutMs / 1000 - backAt) ** 3 + top;
    const reno = CUT * top + (RENO * sinceCutMs) / Math.max(LEAST_RTT_MS, rttMs);
    return Math.max(cubic, reno) / packetsPerRate;
  }
}
