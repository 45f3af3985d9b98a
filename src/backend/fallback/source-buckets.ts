import { RecentMap } from "../../base/recent-map.ts";
import { TokenBucket } from "../../base/token-bucket.ts";

/** A bucket a source, for the sources heard of last. */
export class SourceBuckets {
  readonly #ratePerSecond: number;
  readonly #burst: number;
  readonly #buckets: RecentMap<string, TokenBucket>;

  constructor(ratePerSecond: number, burst: number, most: number) {
    this.#ratePerSecond = ratePerSecond;
    this.#burst = burst;
    this.#buckets = new RecentMap(most);
  }

  of(source: string): TokenBucket {
    const known = this.#buckets.get(source);
    const bucket = known ?? new TokenBucket(this.#ratePerSecond, this.#burst);
    this.#buckets.set(source, bucket);
    return bucket;
  }

  get size(): number {
    return this.#buckets.size;
  }
}
