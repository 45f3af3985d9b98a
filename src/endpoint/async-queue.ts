import { onAbort } from "../base/abort.ts";

export interface LoopOptions {
  /** Ends the loop, without an error; what it has not taken is there for others. */
  readonly signal?: AbortSignal;
}

const DONE = { value: undefined, done: true } as const;

/** Items handed from events to `for await` loops; several loops share the items. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
  readonly #most: number;
  #ended = false;

  /** @param most - items kept for nobody; `push` refuses beyond */
  constructor(most: number = Number.POSITIVE_INFINITY) {
    this.#most = most;
  }

  get size(): number {
    return this.#items.length;
  }

  /** @returns false where the queue is full or ended: the item is not kept. */
  push(item: T): boolean {
    if (this.#ended) return false;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ value: item, done: false });
      return true;
    }
    if (this.#items.length >= this.#most) return false;
    this.#items.push(item);
    return true;
  }

  /** Loops end once what is queued has been taken. */
  end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting(DONE);
  }

  has(item: T): boolean {
    return this.#items.includes(item);
  }

  /** Takes back one that nobody fetched. */
  delete(item: T): void {
    const index = this.#items.indexOf(item);
    if (index >= 0) this.#items.splice(index, 1);
  }

  /** Takes back what nobody fetched. */
  drain(): T[] {
    return this.#items.splice(0);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#next(new Set());
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return this.#iterator(undefined);
  }

  /** The items, for loops that may end before they do. */
  loop({ signal }: LoopOptions = {}): AsyncIterable<T> {
    if (signal === undefined) return this;
    const iterator = this.#iterator(signal);
    return { [Symbol.asyncIterator]: () => iterator };
  }

  /** A loop that has ended waits for nothing: what comes then is for others. */
  #iterator(signal: AbortSignal | undefined): AsyncIterator<T, undefined> {
    const waits = new Set<() => void>();
    let isOver = false;
    return {
      next: () => (isOver ? Promise.resolve(DONE) : this.#next(waits, signal)),
      return: async () => {
        isOver = true;
        for (const stop of [...waits]) stop();
        return DONE;
      },
    };
  }

  async #next(waits: Set<() => void>, signal?: AbortSignal): Promise<IteratorResult<T, undefined>> {
    if (signal?.aborted) return DONE;
    const item = this.#items.shift();
    if (item !== undefined) return { value: item, done: false };
    if (this.#ended) return DONE;
    return new Promise((resolve) => {
      const give = (result: IteratorResult<T, undefined>) => {
        stopListening();
        waits.delete(stop);
        resolve(result);
      };
      const stop = () => {
        this.#waiting.splice(this.#waiting.indexOf(give), 1);
        give(DONE);
      };
      const stopListening = onAbort(signal, stop);
      waits.add(stop);
      this.#waiting.push(give);
    });
  }
}
