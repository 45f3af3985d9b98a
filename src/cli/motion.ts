/** How long a transfer has stood still: people read it in its line, scripts get `stalled`. */

/** A shorter pause is not worth an event; it is told again after twice as long. */
const STALLED_MS = 10_000;
const LOOK_MS = 1000;

/** What of a progress event says whether anything moves. */
interface Moving {
  readonly confirmed: number;
  /** Empty files confirm no byte. */
  readonly files?: number;
  /** Receivers of a cast that has not begun. */
  readonly awaited?: number;
  readonly receivers?: number;
}

/** Since when nothing has moved. */
export class Motion {
  #last: Moving | undefined;
  #sinceMs = 0;

  update(now: Moving, nowMs: number): void {
    const last = this.#last;
    this.#last = now;
    // Not only what grows: the slowest of a cast may be one that has just come.
    const hasMoved = now.confirmed !== last?.confirmed || now.files !== last.files;
    if (hasMoved || isIdle(last)) this.#sinceMs = nowMs;
  }

  /** Zero as long as there is nobody who could answer. */
  stillMs(nowMs: number): number {
    return this.#last === undefined || isIdle(this.#last) ? 0 : nowMs - this.#sinceMs;
  }
}

/** Nobody has come yet, or it waits for more. */
function isIdle({ awaited = 0, receivers }: Moving): boolean {
  return awaited > 0 || receivers === 0;
}

/** Tells when nothing moves, by a timer: whoever is silent causes no event. */
export class StallWatch implements Disposable {
  readonly #motion = new Motion();
  readonly #stalled: (seconds: number) => void;
  readonly #now: () => number;
  #nextMs = STALLED_MS;
  #timer: NodeJS.Timeout | undefined;

  constructor(stalled: (seconds: number) => void, now: () => number) {
    this.#stalled = stalled;
    this.#now = now;
  }

  /** The clock runs from the first call. */
  update(progress: Moving): void {
    this.#motion.update(progress, this.#now());
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  #look(): void {
    const stillMs = this.#motion.stillMs(this.#now());
    if (stillMs < STALLED_MS) this.#nextMs = STALLED_MS;
    if (stillMs < this.#nextMs) return;
    this.#stalled(Math.round(stillMs) / 1000);
    this.#nextMs *= 2;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
