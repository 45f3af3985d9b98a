/** Rate of a stream of chunks, without its start: slow start and compilation are over by then. */
const WARM_UP_MS = 500;

export interface Rate {
  readonly bytes: number;
  readonly seconds: number;
  /** 10^6 bytes a second. */
  readonly megabytesPerSecond: number;
}

export class Meter {
  #warmAt = Number.POSITIVE_INFINITY;
  #startedAt = 0;
  #lastAt = 0;
  #bytes = 0;

  /** Counts a chunk that has just arrived. The first chunk after the warm-up starts the clock. */
  count(bytes: number): void {
    const now = performance.now();
    if (this.#warmAt === Number.POSITIVE_INFINITY) this.#warmAt = now + WARM_UP_MS;
    if (now < this.#warmAt) return;
    if (this.#startedAt === 0) this.#startedAt = now;
    else this.#bytes += bytes;
    this.#lastAt = now;
  }

  rate(): Rate {
    const seconds = (this.#lastAt - this.#startedAt) / 1000;
    return {
      bytes: this.#bytes,
      seconds,
      megabytesPerSecond: seconds > 0 ? this.#bytes / seconds / 1e6 : 0,
    };
  }
}
