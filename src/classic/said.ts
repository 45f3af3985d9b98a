/** What was answered to a message that may come again: bounded, and not said too often. */

const MOST_KEPT = 16;
const PAUSE_MS = 200;
const MOST_TIMES = 20;

interface Saying {
  readonly bytes: Uint8Array;
  saidMs: number;
  times: number;
}

export class Said {
  /** Oldest first. */
  readonly #sayings = new Map<string, Saying>();

  put(question: string, bytes: Uint8Array, nowMs: number): void {
    this.#sayings.set(question, { bytes, saidMs: nowMs, times: 1 });
    const [oldest] = this.#sayings.keys();
    if (this.#sayings.size > MOST_KEPT) this.#sayings.delete(oldest as string);
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
