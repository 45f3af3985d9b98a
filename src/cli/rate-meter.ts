const WINDOW_MS = 3000;

/** Bytes a second over the last three seconds. */
export class RateMeter {
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  /** @param bytes - total so far */
  add(atMs: number, bytes: number): void {
    this.#samples.push({ atMs, bytes });
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs as number) >= WINDOW_MS) {
      this.#samples.shift();
    }
  }

  get rate(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
  }
}
