import { TokenBucket } from "../../base/token-bucket.ts";

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
