/** Stops reading a cast's stream while blocks that came by it wait for the disk. */
import { type Deferred, deferred } from "../base/deferred.ts";

const QUEUED_MOST = 16 * 1024 * 1024;

export class CastRoom {
  readonly #queued: () => number;
  #waiting: Deferred<void> | undefined;

  /** @param queued - bytes that wait now */
  constructor(queued: () => number) {
    this.#queued = queued;
  }

  /** @returns undefined where there is room, else what to wait for */
  wait(): Promise<void> | undefined {
    if (this.#queued() < QUEUED_MOST) return undefined;
    this.#waiting ??= deferred();
    return this.#waiting.promise;
  }

  /** Something was written. */
  written(): void {
    if (this.#waiting === undefined || this.#queued() * 2 > QUEUED_MOST) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }
}
