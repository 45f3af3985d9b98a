/** Bounds: how much of something may be under way at once, and a place for the first error. */

/** A counting semaphore whose waiters all fail once it is closed. */
export class Gate {
  #free: number;
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #closed: { readonly error: unknown } | undefined;

  constructor(most: number) {
    this.#free = most;
  }

  tryEnter(): boolean {
    if (this.#free === 0 || this.#closed !== undefined) return false;
    this.#free--;
    return true;
  }

  /** @throws what the gate was closed with */
  enter(): Promise<void> | undefined {
    if (this.#closed !== undefined) return Promise.reject(this.#closed.error);
    if (this.tryEnter()) return undefined;
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next.resolve();
  }

  close(error: unknown): void {
    this.#closed ??= { error };
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }
}

/** Promises under way that nobody awaits one by one. */
export class Tasks {
  #open = 0;
  #idle: (() => void)[] = [];

  /** @param failed - called with what `work` rejects with */
  run(work: Promise<unknown>, failed: (error: unknown) => void): void {
    this.#open++;
    work.catch(failed).finally(() => {
      if (--this.#open === 0) for (const resolve of this.#idle.splice(0)) resolve();
    });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#open > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}
