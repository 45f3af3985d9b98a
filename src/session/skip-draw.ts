/** Packet numbers between two skips: drawn evenly from 1 to twice this. */
const MEAN_DISTANCE = 1024;

/**
 * When to leave out a packet number, so that a peer that acknowledges what it never received is
 * found out (optimistic ACK; quiche CVE-2025-4820).
 */
export class SkipDraw {
  readonly #random: (length: number) => Uint8Array;
  #at = -1;

  constructor(random: (length: number) => Uint8Array) {
    this.#random = random;
  }

  /** @returns 1 where a number is to be left out before packet `next`, else 0 */
  due(next: number): number {
    // New keys count from zero again.
    if (this.#at < 0 || next < this.#at - 2 * MEAN_DISTANCE) this.redraw(next);
    return next < this.#at ? 0 : 1;
  }

  /** The number was left out: the next one comes at a distance nobody can guess. */
  redraw(next: number): void {
    this.#at = next + this.#distance();
  }

  #distance(): number {
    const bytes = this.#random(2);
    return 1 + ((((bytes[0] as number) << 8) | (bytes[1] as number)) % (2 * MEAN_DISTANCE));
  }
}
