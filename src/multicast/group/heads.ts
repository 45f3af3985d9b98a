/**
 * When to tell the others how far we have spoken: nobody misses a last message that no later one follows.
 * It goes over the sessions, so it arrives.
 */
import { WINDOW_MESSAGES } from "./receiver.ts";

const IDLE_MS = 20;
const INTERVAL_MS = { reliable: 200, unreliable: 1000 } as const;
/** The window opens by what is said to be here: told of a quarter at a time, it is never what short messages wait for. */
const UNSAID_MESSAGES = WINDOW_MESSAGES / 4;

export class Heads {
  readonly #intervalMs: number;
  readonly #unsaidMost: number;
  #said = 0;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(reliable: boolean) {
    this.#intervalMs = reliable ? INTERVAL_MS.reliable : INTERVAL_MS.unreliable;
    this.#unsaidMost = reliable ? UNSAID_MESSAGES : Number.POSITIVE_INFINITY;
  }

  /**
   * @param sentBelow - messages sent
   * @param sentAt - when the last of them was
   * @param speaking - whether more follow
   */
  dueAt(sentBelow: number, sentAt: number, speaking: boolean): number {
    if (sentBelow <= this.#said) return Number.POSITIVE_INFINITY;
    const next = this.#saidAt + this.#intervalMs;
    if (!speaking) return sentAt + IDLE_MS;
    return sentBelow - this.#said >= this.#unsaidMost ? sentAt : Math.max(next, sentAt);
  }

  said(sentBelow: number, now: number): void {
    this.#said = sentBelow;
    this.#saidAt = now;
  }
}
