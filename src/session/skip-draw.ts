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

  /** @returns 1 to skip a number before packet `next`, else 0 */
  draw(next: number): number {
    if (this.#at < 0 || next < this.#at - 2 * MEAN_DISTANCE) this.#at = next + this.#distance();
    if (next < this.#at) return 0;
    this.#at = next + this.#distance();
    return 1;
  }

  #distance(): number {
    const bytes = this.#random(2);
    return 1 + ((((bytes[0] as number) << 8) | (bytes[1] as number)) % (2 * MEAN_DISTANCE));
  }
}
