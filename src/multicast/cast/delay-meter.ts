/**
 * How long packets wait on their way to one receiver: its clock when one came less ours when it left, above
 * the least there was. Unlike a round trip that does not grow because either machine is busy.
 */

/** Clocks drift by some 50 µs a second: older delays do not count. */
const WINDOW_MS = 10_000;

export class DelayMeter {
  /** The least wait since the last restart. */
  roundMs = 0;
  #hasSample = false;
  #origin: number | undefined;
  /** The least delay of this window and of the one before. */
  #least = Infinity;
  #leastBefore = Infinity;
  #windowAt = 0;

  /** @param delayUs - modulo 2^32 */
  add(delayUs: number, now: number): void {
    this.#origin ??= delayUs;
    const delay = ((delayUs - this.#origin) | 0) / 1000;
    if (now - this.#windowAt >= WINDOW_MS) {
      this.#leastBefore = this.#least;
      this.#least = delay;
      this.#windowAt = now;
    }
    this.#least = Math.min(this.#least, delay);
    const wait = delay - Math.min(this.#least, this.#leastBefore);
    this.roundMs = this.#hasSample ? Math.min(this.roundMs, wait) : wait;
    this.#hasSample = true;
  }

  restart(): void {
    this.roundMs = 0;
    this.#hasSample = false;
  }
}
