/** No window grows beyond 10 Gbit/s × 100 ms, about twice. */
const WINDOW_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Credit granted to the peer for one stream, or for all of them. The limit is what was consumed
 * plus a window, so never more than the reader's side will hold; the window doubles while it is
 * consumed faster than the path can bring news of it.
 */
export class ReceiveWindow {
  /** Absolute limit as last announced. */
  limit: number;
  #window: number;
  #consumed = 0;
  #consumedAtGrant = 0;
  #grantedAt: number;

  constructor(window: number, now: number) {
    this.limit = window;
    this.#window = window;
    this.#grantedAt = now;
  }

  get consumed(): number {
    return this.#consumed;
  }

  get window(): number {
    return this.#window;
  }

  consume(bytes: number): void {
    this.#consumed += bytes;
  }

  /** Credit of bytes that nobody read is free again; it is no sign that the window is too small. */
  forfeit(bytes: number): void {
    this.#consumed += bytes;
    this.#consumedAtGrant += bytes;
  }

  /** Whether a quarter of the window is free but not yet announced. */
  get due(): boolean {
    return this.#consumed + this.#window - this.limit >= this.#window / 4;
  }

  /** Announces what is free. @returns the new absolute limit */
  grant(now: number, rttMs: number): number {
    const consumed = this.#consumed - this.#consumedAtGrant;
    const elapsed = now - this.#grantedAt;
    // The whole window within two round trips, measured over the part consumed since the last grant.
    if (elapsed * this.#window < 2 * rttMs * consumed)
      this.#window = Math.min(this.#window * 2, Math.max(WINDOW_BYTES_MAX, this.#window));
    this.#consumedAtGrant = this.#consumed;
    this.#grantedAt = now;
    this.limit = this.#consumed + this.#window;
    return this.limit;
  }
}
