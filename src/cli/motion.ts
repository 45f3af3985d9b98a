/** How long a transfer or a pipe has stood still: people read it in its line, scripts get `stalled`. */

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
  /** Of a pipe: what its peer has to answer. */
  readonly inFlightBytes?: number;
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

/** Nobody has come yet, it waits for more, or there is nothing to do. */
function isIdle({ awaited = 0, receivers, inFlightBytes }: Moving): boolean {
  return awaited > 0 || receivers === 0 || inFlightBytes === 0;
}

interface StallWatchOptions {
  /** Default `STALLED_MS`. */
  readonly afterMs?: number;
  /** Asked before each look at the clock, where nothing calls `update`. */
  readonly poll?: () => Moving;
  /** What was told to stand still moves again. */
  readonly moves?: () => void;
}

/** Tells when nothing moves, by a timer: whoever is silent causes no event. */
export class StallWatch implements Disposable {
  readonly #motion = new Motion();
  readonly #stalled: (seconds: number) => void;
  readonly #now: () => number;
  readonly #options: StallWatchOptions;
  readonly #afterMs: number;
  #nextMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    stalled: (seconds: number) => void,
    now: () => number,
    options: StallWatchOptions = {},
  ) {
    this.#stalled = stalled;
    this.#now = now;
    this.#options = options;
    this.#afterMs = options.afterMs ?? STALLED_MS;
    this.#nextMs = this.#afterMs;
  }

  /** The clock runs from the first call. */
  update(progress: Moving): void {
    this.#motion.update(progress, this.#now());
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  #look(): void {
    const { poll, moves } = this.#options;
    if (poll !== undefined) this.update(poll());
    const stillMs = this.#motion.stillMs(this.#now());
    if (stillMs < this.#afterMs) {
      if (this.#nextMs > this.#afterMs) moves?.();
      this.#nextMs = this.#afterMs;
    }
    if (stillMs < this.#nextMs) return;
    this.#stalled(Math.round(stillMs) / 1000);
    this.#nextMs *= 2;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
