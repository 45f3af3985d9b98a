/** Whoever slept, or was held up, has heard nobody: silence counts from when it ran again. */

/** A turn that comes later than this after the one before is one after a sleep. */
const ASLEEP_MS = 2000;

export class Watchfulness {
  #awakeAt: number;
  #turnAt: number;

  constructor(now: number) {
    this.#awakeAt = now;
    this.#turnAt = now;
  }

  /** To be called at every turn, before others are judged. */
  turn(now: number): void {
    if (now - this.#turnAt >= ASLEEP_MS) this.#awakeAt = now;
    this.#turnAt = now;
  }

  /** How long somebody heard last at this time has been silent. */
  silentMs(heardAt: number, now: number): number {
    return now - Math.max(heardAt, this.#awakeAt);
  }

  /** When the next turn is due, that it be none after a sleep. */
  nextAt(): number {
    return this.#turnAt + ASLEEP_MS / 2;
  }
}
