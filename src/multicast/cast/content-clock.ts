/** How long a cast took its receiver: since content came, so that waiting for others does not count. */
import { ROW_SYMBOLS } from "../../backend/port.ts";
import type { GroupRow } from "../hub.ts";

export class ContentClock {
  #startedAt = 0;
  #hasCome = false;

  /** Content may come from now on; where all is held already, none will. */
  ready(now: number): void {
    this.#startedAt = now;
  }

  heard({ kind }: GroupRow, now: number): void {
    if (kind === ROW_SYMBOLS) this.came(now);
  }

  came(now: number): void {
    if (!this.#hasCome) this.#startedAt = now;
    this.#hasCome = true;
  }

  seconds(now: number): number {
    return (now - this.#startedAt) / 1000;
  }
}
