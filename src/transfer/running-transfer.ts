/** The handle behind `Transfer`: runs the work and queues its events. */
import type { ProgressEvent, Transfer, TransferEvent, TransferSummary } from "./events.ts";

/** Unread events other than progress; older ones are dropped. */
const MOST_UNREAD = 100_000;

export type Emit = (event: TransferEvent) => void;

/** Starts `work` at once. A transfer nobody awaits does not end the process when it fails. */
export function runTransfer(work: (emit: Emit) => Promise<TransferSummary>): Transfer {
  return new RunningTransfer(work);
}

class RunningTransfer implements Transfer {
  readonly done: Promise<TransferSummary>;
  #events: TransferEvent[] = [];
  /** Index of the first unread event. */
  #next = 0;
  #progress: ProgressEvent | undefined;
  #waiting: (() => void)[] = [];
  #ended = false;

  constructor(work: (emit: Emit) => Promise<TransferSummary>) {
    this.done = this.#run(work);
    this.done.catch(() => {});
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TransferEvent, void, undefined> {
    for (;;) {
      const event = this.#take();
      if (event !== undefined) yield event;
      else if (this.#ended) break;
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    await this.done;
  }

  async #run(work: (emit: Emit) => Promise<TransferSummary>): Promise<TransferSummary> {
    try {
      const summary = await work((event) => this.#emit(event));
      this.#emit({ type: "done", ...summary });
      return summary;
    } finally {
      this.#ended = true;
      this.#wake();
    }
  }

  #emit(event: TransferEvent): void {
    if (event.type === "progress") {
      this.#progress = event;
    } else {
      if (this.#progress !== undefined) this.#events.push(this.#progress);
      this.#progress = undefined;
      this.#events.push(event);
      if (this.#events.length - this.#next > 2 * MOST_UNREAD) {
        this.#events = this.#events.slice(-MOST_UNREAD);
        this.#next = 0;
      }
    }
    this.#wake();
  }

  #take(): TransferEvent | undefined {
    if (this.#next < this.#events.length) {
      const event = this.#events[this.#next++];
      if (this.#next === this.#events.length) {
        this.#events = [];
        this.#next = 0;
      }
      return event;
    }
    const progress = this.#progress;
    this.#progress = undefined;
    return progress;
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
