export interface LoopOptions {
  /** Ends the loop, without an error; what it has not taken is there for others. */
  readonly signal?: AbortSignal;
}

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
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true });
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

  async next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#items.shift();
    if (item !== undefined) return { value: item, done: false };
    if (this.#ended) return { value: undefined, done: true };
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return { next: () => this.next(), return: async () => ({ value: undefined, done: true }) };
  }

  /** The items, for loops that may end before they do. */
  loop({ signal }: LoopOptions): AsyncIterable<T> {
    if (signal === undefined) return this;
    const iterator: AsyncIterator<T, undefined> = {
      next: () => this.#nextUntil(signal),
      return: async () => ({ value: undefined, done: true }),
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  async #nextUntil(signal: AbortSignal): Promise<IteratorResult<T, undefined>> {
    if (signal.aborted) return { value: undefined, done: true };
    if (this.#items.length > 0 || this.#ended) return this.next();
    return new Promise((resolve) => {
      const give = (result: IteratorResult<T, undefined>) => {
        signal.removeEventListener("abort", stop);
        resolve(result);
      };
      const stop = () => {
        this.#waiting.splice(this.#waiting.indexOf(give), 1);
        resolve({ value: undefined, done: true });
      };
      this.#waiting.push(give);
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}
