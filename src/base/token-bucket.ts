/** `ratePerSecond` tokens a second, at most `burst` saved up. Full at first; the time is an argument. */
export class TokenBucket {
  readonly #ratePerSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number | undefined;

  constructor(ratePerSecond: number, burst: number = ratePerSecond) {
    this.#ratePerSecond = ratePerSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  holdsOne(nowMs: number): boolean {
    const elapsedMs = Math.max(0, nowMs - (this.#filledAt ?? nowMs));
    this.#filledAt = nowMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs * this.#ratePerSecond) / 1000);
    return this.#tokens >= 1;
  }

  /** @returns false, and takes nothing, where there is none */
  take(nowMs: number): boolean {
    if (!this.holdsOne(nowMs)) return false;
    this.#tokens--;
    return true;
  }
}
