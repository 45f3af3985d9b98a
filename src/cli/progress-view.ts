import type { CastProgressEvent, ProgressEvent } from "./events.ts";
import { Motion } from "./motion.ts";
import {
  awaitedText,
  type ProgressState,
  progressLine,
  progressText,
  type ReceiverLine,
  receiverLine,
} from "./progress-line.ts";
import type { Sink } from "./reporter.ts";

const DRAW_INTERVAL_MS = 100;
const LOG_INTERVAL_MS = 5000;
const COLUMNS_UNKNOWN = 80;
const ROWS_UNKNOWN = 24;
const MOST_LINES = 12;
/** What was written before stays in sight. */
const ROWS_LEFT_FREE = 4;

/** The key of a cast among peers, of which it has many. */
const CAST = "";

interface Shown {
  readonly event: ProgressEvent | CastProgressEvent;
  readonly motion: Motion;
}

export interface ProgressViewOptions {
  readonly sink: Sink;
  /** Whether the sink is a screen that can be redrawn. */
  readonly isLive: boolean;
  /** Milliseconds, from any origin. */
  readonly now: () => number;
  /** How a peer is called. */
  readonly nameOf: (peer: string) => string;
}

/** All that is going on: lines redrawn in a terminal, a line now and then in a log. */
export class ProgressView {
  readonly #sink: Sink;
  readonly #now: () => number;
  readonly #nameOf: (peer: string) => string;
  readonly #isLive: boolean;
  readonly #shown = new Map<string, Shown>();
  #receivers: (() => readonly ReceiverLine[]) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #drawnLines = 0;
  #isPaused = false;

  constructor({ sink, isLive, now, nameOf }: ProgressViewOptions) {
    this.#sink = sink;
    this.#now = now;
    this.#nameOf = nameOf;
    this.#isLive = isLive;
  }

  update(event: ProgressEvent | CastProgressEvent): void {
    const key = "peer" in event ? event.peer : CAST;
    const motion = this.#shown.get(key)?.motion ?? new Motion();
    motion.update(event, this.#now());
    this.#shown.set(key, { event, motion });
    if (this.#timer !== undefined) return;
    const interval = this.#isLive ? DRAW_INTERVAL_MS : LOG_INTERVAL_MS;
    this.#timer = setInterval(() => this.draw(), interval);
    this.#timer.unref();
  }

  /** Shows the receivers of a cast below its line. @returns a function that ends both */
  follow(receivers: () => readonly ReceiverLine[]): () => void {
    this.#receivers = receivers;
    return () => {
      this.#receivers = undefined;
      this.remove();
    };
  }

  /** The transfer with this peer is over; without one, the cast. */
  remove(peer: string = CAST): void {
    this.#shown.delete(peer);
    if (this.#shown.size > 0) return;
    this.erase();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Takes the lines off the screen, so that other text can be written; the next draw brings them back. */
  erase(): void {
    if (this.#drawnLines > 0) this.#sink.write(eraseLines(this.#drawnLines));
    this.#drawnLines = 0;
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  /** Nothing is drawn while a question is on the screen. */
  set paused(isPaused: boolean) {
    this.#isPaused = isPaused;
    if (isPaused) this.erase();
  }

  draw(): void {
    const [first, ...others] = this.#states();
    if (first === undefined || this.#isPaused) return;
    if (!this.#isLive) {
      const lines = [progressText({ ...first, others: others.length }), ...this.#awaited()];
      this.#sink.write(`${lines.join("\n")}\n`);
      return;
    }
    const lines = this.#lines([first, ...others]);
    const before = this.#drawnLines > 0 ? eraseLines(this.#drawnLines) : "\r\u001b[K";
    this.#sink.write(before + lines.join("\n"));
    this.#drawnLines = lines.length;
  }

  close(): void {
    this.erase();
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#shown.clear();
  }

  #lines(states: readonly ProgressState[]): string[] {
    // One column stays free: some terminals wrap as soon as the last one is written.
    const columns = (this.#sink.columns ?? COLUMNS_UNKNOWN) - 1;
    const rows = (this.#sink.rows ?? ROWS_UNKNOWN) - ROWS_LEFT_FREE;
    const most = Math.max(1, Math.min(MOST_LINES, rows));
    const shown = states.slice(0, most);
    const hidden = states.length - shown.length;
    const lines = shown.map((state, at) => {
      const others = at === shown.length - 1 ? hidden : 0;
      return progressLine({ ...state, others }, columns, this.#whoIs(state, states.length));
    });
    return [...lines, ...this.#receiverLines(most - lines.length, columns)];
  }

  #whoIs(state: ProgressState, all: number): string {
    if (all === 1) return "";
    return "peer" in state ? this.#nameOf(state.peer) : "cast";
  }

  /** Those that miss something first: the others were told apart by their number. */
  #receiverLines(room: number, columns: number): string[] {
    const all = this.#receivers?.() ?? [];
    // The cast's own line says as much.
    const [only] = all.length === 1 ? all : [];
    if (only?.state === "receiving" && only.absence === undefined) return [];
    const rank = ({ state }: ReceiverLine) => (state === "complete" ? 1 : 0);
    const sorted = [...all].sort((left, right) => rank(left) - rank(right));
    const shown = sorted.slice(0, all.length > room ? Math.max(0, room - 1) : room);
    const lines = shown.map((each) => receiverLine(each, this.#nameOf(each.peer), columns));
    const hidden = all.length - shown.length;
    return hidden > 0 && room > 0 ? [...lines, `  and ${hidden} more`] : lines;
  }

  /** A log has no line for each receiver, but says for whom a cast waits. */
  #awaited(): string[] {
    const lines = (this.#receivers?.() ?? []).map((each) =>
      awaitedText(each, this.#nameOf(each.peer)),
    );
    return lines.filter(Boolean).slice(0, MOST_LINES);
  }

  /** The transfer that began first comes first. */
  #states(): ProgressState[] {
    return [...this.#shown.values()].map(({ event, motion }) => {
      const stalledSeconds = motion.stillMs(this.#now()) / 1000;
      return { ...event, stalledSeconds, others: 0 };
    });
  }
}

/** To the first of them and its column 0, and erase to the end of the screen: ECMA-48 sections 8.3.22, 8.3.39. */
function eraseLines(lines: number): string {
  return lines > 1 ? `\r\u001b[${lines - 1}A\u001b[J` : "\r\u001b[K";
}
