import { SparseSet } from "../base/sparse.ts";
import type { SendHalf } from "./send-half.ts";

interface PriorityClass {
  readonly priority: number;
  readonly halves: SendHalf[];
}

/** Which stream sends next: strict classes, round-robin within one. Holds the connection's credit. */
export class SendQueue {
  /** Bytes the peer lets all streams send in all. */
  limit = 0;
  /** Bytes sent at least once, over all streams. */
  used = 0;
  /** In the order of priority, 0 first. */
  readonly #classes: PriorityClass[] = [];
  /** Streams that wait for connection credit. */
  readonly #starved = new SparseSet<SendHalf>();

  get room(): number {
    return this.limit - this.used;
  }

  /** Raises the connection's credit. */
  credit(limit: number): void {
    if (limit <= this.limit) return;
    this.limit = limit;
    const starved = [...this.#starved];
    this.#starved.clear();
    for (const half of starved) this.add(half);
  }

  /** Queues a stream that has something to send; harmless where it has not. */
  add(half: SendHalf): void {
    if (half.queued) return;
    if (!half.canSend(this.room)) {
      if (half.sendable > 0) this.#starved.add(half);
      return;
    }
    half.queued = true;
    this.#class(half.priority).halves.push(half);
  }

  /** The stream whose turn it is, which stays at the head until `rotate`; undefined when none can send. */
  head(): SendHalf | undefined {
    for (const { halves } of this.#classes) {
      for (let half = halves[0]; half !== undefined; half = halves[0]) {
        if (half.canSend(this.room)) return half;
        halves.shift();
        half.queued = false;
        if (half.sendable > 0) this.#starved.add(half);
      }
    }
    return undefined;
  }

  /** Whether others of its class wait behind the head. */
  shared(half: SendHalf): boolean {
    return this.#class(half.priority).halves.length > 1;
  }

  /** The head has had its turn. */
  rotate(half: SendHalf): void {
    const { halves } = this.#class(half.priority);
    if (halves[0] !== half) return;
    if (halves.length === 1 && half.canSend(this.room)) return;
    halves.shift();
    half.queued = false;
    this.add(half);
  }

  #class(priority: number): PriorityClass {
    let index = 0;
    while (
      index < this.#classes.length &&
      (this.#classes[index] as PriorityClass).priority < priority
    )
      index++;
    const found = this.#classes[index];
    if (found?.priority === priority) return found;
    const made: PriorityClass = { priority, halves: [] };
    this.#classes.splice(index, 0, made);
    return made;
  }
}
