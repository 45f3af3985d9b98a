/** Things that want to be called at a time, earliest first. Moving a deadline later costs nothing. */
export interface Timed {
  /** Milliseconds; Infinity for never. */
  deadline: number;
}

interface Entry<T> {
  readonly at: number;
  readonly item: T;
}

/**
 * A binary heap with lazy entries: a deadline that moved later leaves its old entry in place, and
 * that entry is put back at the right time when it comes up. So a busy session, whose deadline
 * moves with every burst, adds no entries.
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

  /** Earliest time at which `due` may return something. */
  next(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** @returns an item whose deadline has come, or undefined; the item is no longer scheduled. */
  due(now: number): T | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined || top.at > now) return undefined;
      this.#pop();
      if (this.#earliest.get(top.item) !== top.at) continue;
      this.#earliest.delete(top.item);
      if (top.item.deadline <= now) return top.item;
      if (top.item.deadline < Number.POSITIVE_INFINITY) this.schedule(top.item);
    }
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
    const heap = this.#heap;
    const last = heap.pop() as Entry<T>;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (
        child + 1 < heap.length &&
        (heap[child + 1] as Entry<T>).at < (heap[child] as Entry<T>).at
      )
        child++;
      if ((heap[child] as Entry<T>).at >= last.at) break;
      heap[at] = heap[child] as Entry<T>;
      at = child;
    }
    heap[at] = last;
  }
}
