/**
 * When something is announced: in a burst at first, as the first packets on a link are often lost (ARP,
 * ports that come up), then regularly.
 */
import type { Primitives } from "../backend/port.ts";
import { about } from "./jitter.ts";

export class AnnounceTimes {
  readonly #random: Pick<Primitives, "randomBytes">;
  readonly #burstMs: readonly number[];
  /** Announcements still to come of a burst, then the regular one. */
  #due: readonly number[] = [];

  /** @param burstMs - from its begin, ascending */
  constructor(random: Pick<Primitives, "randomBytes">, burstMs: readonly number[]) {
    this.#random = random;
    this.#burstMs = burstMs;
  }

  get next(): number {
    return this.#due[0] ?? Number.POSITIVE_INFINITY;
  }

  /** Whatever was due before, a burst begins now. */
  burst(now: number): void {
    this.#due = this.#burstMs.map((ms) => now + ms);
  }

  /** One leaves now. @param intervalMs - about when the next one follows, after a burst */
  announced(now: number, intervalMs: number): void {
    this.#due = this.#due.filter((at) => at > now);
    if (this.#due.length === 0) this.#due = [now + about(this.#random, intervalMs)];
  }

  end(): void {
    this.#due = [];
  }
}
