import type { SessionState } from "./session-state.ts";

/** A shorter pause is not worth a word; it is said again after twice as long. */
const SILENT_MS = 5000;
/** Whoever runs so much later than it asked for was held up, or slept: what came meanwhile is still to be read. */
const LATE_MS = 1000;

/** Tells how long the peer has owed an answer, and that it is heard again. */
export class Silence {
  readonly #state: SessionState;
  /** Since when it owes the answer whose absence was told. */
  #toldSince: number | undefined;
  #nextMs: number = SILENT_MS;
  #heldUpUntil: number = -Infinity;

  constructor(state: SessionState) {
    this.#state = state;
  }

  /** When there is something to tell, should nothing come in. */
  get at(): number {
    return this.#since() + this.#nextMs;
  }

  run(now: number): void {
    if (this.#toldSince !== undefined && this.#state.lastReceivedAt > this.#toldSince) {
      this.#toldSince = undefined;
      this.#nextMs = SILENT_MS;
      this.#state.emit({ kind: "heard" });
    }
    if (this.at > now) return;
    if (this.#toldSince === undefined && now - this.at > LATE_MS) {
      this.#heldUpUntil = now;
      return;
    }
    this.#toldSince = this.#since();
    const ms = now - this.#toldSince;
    while (this.#nextMs <= ms) this.#nextMs *= 2;
    this.#state.emit({ kind: "silent", ms });
  }

  #since(): number {
    if (this.#toldSince !== undefined) return this.#toldSince;
    return Math.max(this.#state.owedSince, this.#heldUpUntil);
  }
}
