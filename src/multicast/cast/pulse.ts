/** When the sender speaks though it has nothing to send: where it is, and that it is. */
const FIRST_MS = 5;
const GROWTH = 1.5;
const MOST_MS = 250;

/** STATUS of all receivers: about so many bytes each, and this part of what is sent. */
const STATUS_BYTES = 160;
const FEEDBACK_PART = 0.006;
const STATUS_MS = { casting: 20, idle: 50, most: 10_000 } as const;
/** Few are worth more: the rate is found by what they say. */
const FEW_MS = 12;

/** How often each receiver is to report, in milliseconds. @param rate - bytes a millisecond */
export function statusInterval(receivers: number, rate: number, isCasting: boolean): number {
  const fair = (receivers * STATUS_BYTES) / (FEEDBACK_PART * Math.max(1, rate));
  const least = isCasting ? STATUS_MS.casting : STATUS_MS.idle;
  const most = Math.min(STATUS_MS.most, Math.max(least, FEW_MS * receivers));
  return Math.round(Math.min(most, Math.max(least, fair)));
}

export class Pulse {
  #intervalMs: number = FIRST_MS;
  #at = 0;

  isDue(now: number): boolean {
    return now >= this.#at;
  }

  nextAt(): number {
    return this.#at;
  }

  /** Content left: whoever hears it knows that we are here. */
  sending(now: number): void {
    this.#intervalMs = FIRST_MS;
    this.#at = now + FIRST_MS;
  }

  sent(now: number, leastMs: number): void {
    this.#at = now + Math.max(leastMs, this.#intervalMs);
    this.#intervalMs = Math.min(MOST_MS, this.#intervalMs * GROWTH);
  }
}
