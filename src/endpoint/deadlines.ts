/** Things that want to be called at a time, earliest first. Moving a deadline later costs nothing. */
export interface Timed {
  /** Milliseconds; Infinity for never. */
  deadline: number;
}

interface Entry<T> {
  at: number;
  readonly item: T;
}

/**
 * A binary heap with lazy entries: a deadline that moved later leaves its entry where it is until that is
 * the earliest, and it is then put where it belongs. So a busy session, whose deadline moves with every
 * burst, adds no entries, and nobody is woken for a time that means nothing any more.
 */
export class Deadlines<T extends Timed> {
  readonly #heap: Entry<T>[] = [];
  readonly #earliest = new Map<T, number>();

  /** To be called whenever an item's deadline was set. */
  schedule(item: T): void {
    const known = this.#earliest.get(item) ?? Number.POSITIVE_INFINITY;
    if (item.deadline >= known) return;
    this.#earliest.set(item, item.deadline);
    this.#push({ at: item.deadline, item });
  }

  forget(item: T): void {
    item.deadline = Number.POSITIVE_INFINITY;
    this.#earliest.delete(item);
  }

  /** Earliest time at which `due` returns something. */
  next(): number {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return Number.POSITIVE_INFINITY;
      const { at, item } = top;
      const valid = this.#earliest.get(item) === at;
      if (valid && item.deadline <= at) return at;
      if (valid && item.deadline < Number.POSITIVE_INFINITY) {
        this.#earliest.set(item, item.deadline);
        top.at = item.deadline;
        this.#sink(top);
      } else {
        if (valid) this.#earliest.delete(item);
        this.#pop();
      }
    }
  }

  /** @returns an item whose deadline has come, or undefined; the item is no longer scheduled. */
  due(now: number): T | undefined {
    if (this.next() > now) return undefined;
    const { item } = this.#heap[0] as Entry<T>;
    this.#pop();
    this.#earliest.delete(item);
    return item;
  }

  #push(entry: Entry<T>): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((heap[parent] as Entry<T>).at <= entry.at) break;
      heap[at] = heap[parent] as Entry<T>;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const last = this.#heap.pop() as Entry<T>;
    if (this.#heap.length > 0) this.#sink(last);
  }

  /** Puts an entry, in place of the top one, where it belongs. */
  #sink(entry: Entry<T>): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.at < (heap[child] as Entry<T>).at) child++;
      if ((heap[child] as Entry<T>).at >= entry.at) break;
      heap[at] = heap[child] as Entry<T>;
      at = child;
    }
    heap[at] = entry;
  }
}
