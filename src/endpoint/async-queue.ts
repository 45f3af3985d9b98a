import { onAbort } from "../base/abort.ts";

export interface LoopOptions {
  /** Ends the loop, without an error; what it has not taken is there for others. */
  readonly signal?: AbortSignal;
}

/** What a queue keeps for nobody; `push` refuses beyond. */
export interface QueueLimits<T> {
  readonly items: number;
  /** Sum of `bytesOf` over the items. */
  readonly bytes?: number;
  bytesOf?(item: T): number;
}

const DONE = { value: undefined, done: true } as const;
/** Places of taken items; fewer are not worth moving the rest for. */
const TAKEN_PLACES = 1024;

/** Items handed from events to `for await` loops; several loops share the items. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  /** Place of the oldest item: `shift` would move all others for each. */
  #first = 0;
  #bytes = 0;
  readonly #waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
  readonly #limits: QueueLimits<T>;
  #ended = false;

  constructor(limits: QueueLimits<T> = { items: Number.POSITIVE_INFINITY }) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#items.length - this.#first;
  }

  /** @returns false where the queue is full or ended: the item is not kept. */
  push(item: T): boolean {
    if (this.#ended) return false;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ value: item, done: false });
      return true;
    }
    const { items, bytes = Number.POSITIVE_INFINITY } = this.#limits;
    const held = this.#bytes + this.#bytesOf(item);
    if (this.size >= items || held > bytes) return false;
    this.#bytes = held;
    this.#items.push(item);
    return true;
  }

  /** Loops end once what is queued has been taken. */
  end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting(DONE);
  }

  has(item: T): boolean {
    return this.#items.includes(item, this.#first);
  }

  /** Takes back one that nobody fetched. */
  delete(item: T): void {
    const index = this.#items.indexOf(item, this.#first);
    if (index < 0) return;
    this.#items.splice(index, 1);
    this.#bytes -= this.#bytesOf(item);
  }

  /** Takes back what nobody fetched. */
  drain(): T[] {
    const items = this.#items.splice(0).slice(this.#first);
    this.#first = 0;
    this.#bytes = 0;
    return items;
  }

  /** The oldest item, of at least one. */
  #take(): T {
    const item = this.#items[this.#first] as T;
    this.#items[this.#first++] = undefined as T;
    this.#bytes -= this.#bytesOf(item);
    if (this.#first >= TAKEN_PLACES && this.#first >= this.size) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
    return item;
  }

  #bytesOf(item: T): number {
    return this.#limits.bytesOf?.(item) ?? 0;
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
    if (this.size > 0) return { value: this.#take(), done: false };
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
