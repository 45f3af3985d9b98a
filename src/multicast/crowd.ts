/** How many endpoints announce themselves here: the more, the less often each does. */
import { RecentMap } from "../base/recent-map.ts";

/** One network stays below so many announcements a second. */
const ANNOUNCEMENTS_PER_SECOND = 20;
const LEAST_INTERVAL_MS = 5000;
const MAX_COUNTED = 4096;
/** Silent for so many intervals: gone. */
const INTERVALS = 3;

export class Crowd {
  /** When each source was heard last, longest ago first. Unverified: a liar can only slow us down. */
  readonly #heardAt = new RecentMap<string, number>(MAX_COUNTED);

  heard(source: string, now: number): void {
    this.#heardAt.set(source, now);
  }

  /** Milliseconds between two announcements of each. */
  intervalMs(now: number): number {
    const interval = this.#interval();
    for (const [source, at] of this.#heardAt) {
      if (at + INTERVALS * interval > now) break;
      this.#heardAt.delete(source);
    }
    return this.#interval();
  }

  #interval(): number {
    return Math.max(LEAST_INTERVAL_MS, (1000 * this.#heardAt.size) / ANNOUNCEMENTS_PER_SECOND);
  }
}
