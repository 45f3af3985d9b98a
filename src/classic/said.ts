/** What was answered to a message that may come again: bounded, and not said too often. */
import { RecentMap } from "../base/recent-map.ts";

const MOST_KEPT = 16;
const PAUSE_MS = 200;
const MOST_TIMES = 20;

interface Saying {
  readonly bytes: Uint8Array;
  saidMs: number;
  times: number;
}

export class Said {
  readonly #sayings = new RecentMap<string, Saying>(MOST_KEPT);

  put(question: string, bytes: Uint8Array, nowMs: number): void {
    this.#sayings.set(question, { bytes, saidMs: nowMs, times: 1 });
  }

  /** @returns the same bytes as before; undefined where forgotten, just said, or said often enough */
  again(question: string, nowMs: number): Uint8Array | undefined {
    const saying = this.#sayings.get(question);
    if (saying === undefined || saying.times >= MOST_TIMES) return undefined;
    if (nowMs - saying.saidMs < PAUSE_MS) return undefined;
    saying.saidMs = nowMs;
    saying.times++;
    return saying.bytes;
  }
}
