import type { CastProgressEvent, ProgressEvent } from "./events.ts";
import { type ProgressState, progressLine, progressText } from "./progress-line.ts";
import type { Sink } from "./reporter.ts";

const DRAW_INTERVAL_MS = 100;
const LOG_INTERVAL_MS = 5000;
const COLUMNS_UNKNOWN = 80;
/** Back to column 0 and erase to the end of the line: ECMA-48 section 8.3.41 (EL). */
const ERASE_LINE = "\r\u001b[K";

/** The key of a cast among peers, of which it has many. */
const CAST = "";

interface Shown {
  event: ProgressEvent | CastProgressEvent;
  /** When `confirmed` last grew. */
  movedAtMs: number;
}

/** The progress of all transfers going on: a line redrawn in a terminal, a line now and then in a log. */
export class ProgressView {
  readonly #sink: Sink;
  readonly #now: () => number;
  readonly #isLive: boolean;
  readonly #shown = new Map<string, Shown>();
  #timer: NodeJS.Timeout | undefined;
  #isDrawn = false;
  #isPaused = false;

  /** @param now - milliseconds, from any origin */
  constructor(sink: Sink, now: () => number) {
    this.#sink = sink;
    this.#now = now;
    this.#isLive = sink.isTTY === true;
  }

  update(event: ProgressEvent | CastProgressEvent): void {
    const key = "peer" in event ? event.peer : CAST;
    const before = this.#shown.get(key);
    const hasMoved = before === undefined || event.confirmed > before.event.confirmed;
    this.#shown.set(key, { event, movedAtMs: hasMoved ? this.#now() : before.movedAtMs });
    if (this.#timer !== undefined) return;
    const interval = this.#isLive ? DRAW_INTERVAL_MS : LOG_INTERVAL_MS;
    this.#timer = setInterval(() => this.draw(), interval);
    this.#timer.unref();
  }

  /** The transfer with this peer is over; without one, the cast. */
  remove(peer: string = CAST): void {
    this.#shown.delete(peer);
    if (this.#shown.size > 0) return;
    this.erase();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Takes the line off the screen, so that other text can be written; the next draw brings it back. */
  erase(): void {
    if (this.#isDrawn) this.#sink.write(ERASE_LINE);
    this.#isDrawn = false;
  }

  /** Nothing is drawn while a question is on the screen. */
  set paused(isPaused: boolean) {
    this.#isPaused = isPaused;
    if (isPaused) this.erase();
  }

  draw(): void {
    const state = this.#state();
    if (state === undefined || this.#isPaused) return;
    if (!this.#isLive) {
      this.#sink.write(`${progressText(state)}\n`);
      return;
    }
    // One column stays free: some terminals wrap as soon as the last one is written.
    const columns = (this.#sink.columns ?? COLUMNS_UNKNOWN) - 1;
    this.#sink.write(ERASE_LINE + progressLine(state, columns));
    this.#isDrawn = true;
  }

  close(): void {
    this.erase();
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#shown.clear();
  }

  /** The transfer that began first stands for all. */
  #state(): ProgressState | undefined {
    for (const { event, movedAtMs } of this.#shown.values()) {
      const stalledSeconds = (this.#now() - movedAtMs) / 1000;
      return { ...event, stalledSeconds, others: this.#shown.size - 1 };
    }
    return undefined;
  }
}
