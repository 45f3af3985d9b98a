/** Virtual time: callbacks in the order of their times, equal ones in the order they were set. */
export class Clock {
  now = 0;
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #calls: (() => void)[] = [];
  #order = 0;

  at(time: number, call: () => void): void {
    let index = this.#times.length;
    this.#times.push(0);
    this.#orders.push(0);
    this.#calls.push(call);
    const due = Math.max(time, this.now);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((this.#times[parent] as number) <= due) break;
      this.#move(parent, index);
      index = parent;
    }
    this.#set(index, due, this.#order++, call);
  }

  after(ms: number, call: () => void): void {
    this.at(this.now + ms, call);
  }

  /** Runs until nothing is left, the time is reached, or `done` says so. @returns whether `done` did */
  run(until: number, done: () => boolean = () => false): boolean {
    while (!done()) {
      const next = this.#times[0];
      if (next === undefined || next > until) {
        if (until !== Infinity) this.now = until;
        return done();
      }
      // A test that moves `now` itself has held everything up: what was due meanwhile comes late.
      this.now = Math.max(this.now, next);
      this.#pop()();
    }
    return true;
  }

  #pop(): () => void {
    const first = this.#calls[0] as () => void;
    const time = this.#times.pop() as number;
    const order = this.#orders.pop() as number;
    const call = this.#calls.pop() as () => void;
    const size = this.#times.length;
    if (size === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#before(child + 1, child)) child++;
      const later =
        (this.#times[child] as number) - time || (this.#orders[child] as number) - order;
      if (later >= 0) break;
      this.#move(child, index);
      index = child;
    }
    this.#set(index, time, order, call);
    return first;
  }

  #before(left: number, right: number): boolean {
    const difference = (this.#times[left] as number) - (this.#times[right] as number);
    return (
      difference < 0 ||
      (difference === 0 && (this.#orders[left] as number) < (this.#orders[right] as number))
    );
  }

  #move(from: number, to: number): void {
    this.#set(
      to,
      this.#times[from] as number,
      this.#orders[from] as number,
      this.#calls[from] as () => void,
    );
  }

  #set(index: number, time: number, order: number, call: () => void): void {
    this.#times[index] = time;
    this.#orders[index] = order;
    this.#calls[index] = call;
  }
}
