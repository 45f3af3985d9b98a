/**
 * When to tell the others how far we have spoken: nobody misses a last message that no later one follows.
 * It goes over the sessions, so it arrives.
 */
const IDLE_MS = 20;
const INTERVAL_MS = { reliable: 200, unreliable: 1000 } as const;

export class Heads {
  readonly #intervalMs: number;
  #said = 0;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(reliable: boolean) {
    this.#intervalMs = reliable ? INTERVAL_MS.reliable : INTERVAL_MS.unreliable;
  }

  /**
   * @param sentBelow - messages sent
   * @param sentAt - when the last of them was
   * @param speaking - whether more follow
   */
  dueAt(sentBelow: number, sentAt: number, speaking: boolean): number {
    if (sentBelow <= this.#said) return Number.POSITIVE_INFINITY;
    const next = this.#saidAt + this.#intervalMs;
    return speaking ? Math.max(next, sentAt) : sentAt + IDLE_MS;
  }

  said(sentBelow: number, now: number): void {
    this.#said = sentBelow;
    this.#saidAt = now;
  }
}
