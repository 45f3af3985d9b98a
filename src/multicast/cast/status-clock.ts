/** When a receiver reports: by packets heard and by time, thinned so that many cost no more than some. */

/** Reports of all receivers together, per part of the window that was heard. */
const REPORTERS = 32;
/** The sender asks again and again while it waits; answers do not follow closer than this. */
const LEAST_MS = 2;
const JITTER_LEAST = 0.5;

export class StatusClock {
  readonly #random: () => number;
  #intervalMs = 20;
  #receivers = 1;
  #packets = 0;
  #lastAt: number;
  #at = Infinity;
  /** Of the interval: receivers that heard the same packet would all report at once. */
  #jitter: number | undefined;

  constructor(random: () => number, now: number) {
    this.#random = random;
    this.#lastAt = now;
  }

  /** The first report is due then, or at once where something is heard. */
  due(at: number): void {
    this.#at = Math.min(this.#at, at);
  }

  /** Packets came in. @param windowPackets - that may be on their way */
  heard(packets: number, windowPackets: number, now: number): void {
    this.#packets += packets;
    if (this.#packets < windowPackets / 4) return;
    this.#packets = 0;
    if (this.#random() * this.#receivers < REPORTERS) this.#at = Math.min(this.#at, now);
  }

  /** The sender says how often, and whether it waits for an answer. */
  asked(now: number, intervalMs: number, receivers: number, report: boolean): void {
    this.#intervalMs = Math.max(1, intervalMs);
    this.#receivers = receivers;
    const spread = receivers > REPORTERS ? intervalMs * (this.#jitter ?? 0) : 0;
    const earliest = Math.max(now, this.#lastAt + LEAST_MS) + spread;
    this.#at = Math.min(this.#at, report ? earliest : this.#regular());
  }

  isDue(now: number): boolean {
    return now >= this.#at;
  }

  nextAt(): number {
    return this.#at;
  }

  sent(now: number): void {
    this.#lastAt = now;
    this.#packets = 0;
    this.#jitter = (this.#jitter === undefined ? 0 : JITTER_LEAST) + this.#random();
    this.#at = this.#regular();
  }

  #regular(): number {
    return this.#lastAt + this.#intervalMs * (this.#jitter ?? 1);
  }
}
