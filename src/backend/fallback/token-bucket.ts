/** `rate` tokens a second, at most `burst` saved up. Full at first. */
export class TokenBucket {
  readonly #ratePerMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number | undefined;

  constructor(ratePerSecond: number, burst: number) {
    this.#ratePerMs = ratePerSecond / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  holdsOne(nowMs: number): boolean {
    const elapsed = Math.max(0, nowMs - (this.#at ?? nowMs));
    this.#at = nowMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsed * this.#ratePerMs);
    return this.#tokens >= 1;
  }

  /** @returns false, and takes nothing, where there is none */
  take(nowMs: number): boolean {
    if (!this.holdsOne(nowMs)) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** A bucket a source, for the sources heard of last. */
export class SourceBuckets {
  readonly #ratePerSecond: number;
  readonly #burst: number;
  readonly #most: number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(ratePerSecond: number, burst: number, most: number) {
    this.#ratePerSecond = ratePerSecond;
    this.#burst = burst;
    this.#most = most;
  }

  of(source: string): TokenBucket {
    let bucket = this.#buckets.get(source);
    if (bucket !== undefined) this.#buckets.delete(source);
    else {
      bucket = new TokenBucket(this.#ratePerSecond, this.#burst);
      if (this.#buckets.size >= this.#most) this.#forgetOldest();
    }
    this.#buckets.set(source, bucket);
    return bucket;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #forgetOldest(): void {
    for (const source of this.#buckets.keys()) {
      this.#buckets.delete(source);
      return;
    }
  }
}
