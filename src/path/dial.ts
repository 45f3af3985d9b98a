/**
 * When one attempt to reach a peer sends its INIT again, and when it gives up.
 * Intervals: WIRE item 33 and WireGuard's, 0.25 s doubling to 5 s, with up to 334 ms of jitter so
 * that crossing attempts drift apart.
 */
import { type Candidate, MAX_CANDIDATES } from "./ladder.ts";

const FIRST_INTERVAL_MS = 250;
const LAST_INTERVAL_MS = 5000;
const JITTER_MS = 334;

export class Dial {
  readonly candidates: Candidate[];
  readonly startedAt: number;
  readonly deadline: number;
  #nextAt: number;
  #intervalMs: number = FIRST_INTERVAL_MS;
  #rounds = 0;

  /** @param timeoutMs - Infinity for a session that looks for its peer as long as it lives */
  constructor(candidates: readonly Candidate[], now: number, timeoutMs: number) {
    this.candidates = [...candidates];
    this.startedAt = now;
    this.deadline = now + timeoutMs;
    this.#nextAt = now;
  }

  /** Rounds of INITs sent so far. */
  get rounds(): number {
    return this.#rounds;
  }

  /** When `due` or `expired` next turns true. */
  get nextAt(): number {
    return Math.min(this.#nextAt, this.deadline);
  }

  expired(now: number): boolean {
    return now >= this.deadline;
  }

  due(now: number): boolean {
    return now >= this.#nextAt;
  }

  /** Further addresses the peer may have. @returns those not known yet, as many as there is room for */
  add(candidates: readonly Candidate[]): Candidate[] {
    const fresh = candidates.filter(
      ({ address }) => !this.candidates.some((known) => known.address === address),
    );
    const taken = fresh.slice(0, MAX_CANDIDATES - this.candidates.length);
    this.candidates.push(...taken);
    return taken;
  }

  /** A round went out. @param random - 0 to 255 */
  sent(now: number, random: number): void {
    this.#rounds++;
    this.#nextAt = now + this.#intervalMs + (random / 255) * Math.min(JITTER_MS, this.#intervalMs);
    this.#intervalMs = Math.min(2 * this.#intervalMs, LAST_INTERVAL_MS);
  }
}
