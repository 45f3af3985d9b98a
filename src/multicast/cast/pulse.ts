/** When the sender says where it is, and that it is: its stamps are how round trips are measured. */
const FIRST_MS = 5;
const STEADY_MS = 20;
const GROWTH = 1.5;
const MOST_MS = 250;

/** STATUS of all receivers: about so many bytes each, and this part of what is sent. */
const STATUS_BYTES = 160;
const FEEDBACK_PART = 0.005;
/** By phase: how often one receiver reports, and how far apart reports of many are at most. */
const STATUS_MS = {
  idle: { least: 50, apart: 12 },
  // The rate is found by what they say, and soon is.
  startup: { least: 8, apart: 2.5 },
  casting: { least: 20, apart: 12 },
} as const;
const STATUS_MOST_MS = 10_000;

/** How often each receiver is to report, in milliseconds. @param rate - in bytes a millisecond */
export function statusInterval(
  receivers: number,
  { rate, isStartup }: { readonly rate: number; readonly isStartup: boolean },
  isCasting: boolean,
): number {
  const { least, apart } = !isCasting
    ? STATUS_MS.idle
    : STATUS_MS[isStartup ? "startup" : "casting"];
  const fair = (receivers * STATUS_BYTES) / (FEEDBACK_PART * Math.max(1, rate));
  const most = Math.min(STATUS_MOST_MS, Math.max(least, apart * receivers));
  return Math.round(Math.min(most, Math.max(least, fair)));
}

export class Pulse {
  #intervalMs: number = FIRST_MS;
  #at = 0;
  #sentAt = 0;

  isDue(now: number): boolean {
    return now >= this.#at;
  }

  nextAt(): number {
    return this.#at;
  }

  /** Somebody waits to hear it. */
  soon(now: number): void {
    this.#intervalMs = FIRST_MS;
    this.#at = now;
  }

  /** Content left: whoever hears it knows that we are here, but a round trip is wanted so often. */
  sending(isStartup: boolean): void {
    this.#intervalMs = FIRST_MS;
    this.#at = this.#sentAt + (isStartup ? FIRST_MS : STEADY_MS);
  }

  sent(now: number, leastMs: number): void {
    this.#sentAt = now;
    this.#at = now + Math.max(leastMs, this.#intervalMs);
    this.#intervalMs = Math.min(MOST_MS, this.#intervalMs * GROWTH);
  }
}
