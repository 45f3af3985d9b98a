/** How many hinted addresses an attempt may follow: whoever wrote the hints makes us send to them. */

/** WIRE item 21. */
const ADDRESSES = 8;
const PERIOD_MS = 5000;

export class HintAllowance {
  readonly #known = new Set<string>();
  #since: number = Number.NEGATIVE_INFINITY;
  #left = 0;

  /** @returns those that are new and within what the period allows */
  take(addresses: readonly string[], now: number): string[] {
    if (now >= this.#since + PERIOD_MS) {
      this.#since = now;
      this.#left = ADDRESSES;
    }
    const fresh = addresses.filter((address) => !this.#known.has(address)).slice(0, this.#left);
    this.#left -= fresh.length;
    for (const address of fresh) this.#known.add(address);
    return fresh;
  }
}
