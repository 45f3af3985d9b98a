/** How many bytes a receiver lets be on their way to it: what its kernel holds, as far as that proves true. */

/** The kernel counts its bookkeeping as well as our bytes: after a drop there is room for less. */
const SHRINK = 0.7;
/** Of all, with each report without a drop. */
const GROW = 1 / 64;
const LEAST_BYTES = 128 * 1024;

export class KernelWindow {
  readonly #most: number;
  #bytes: number;
  #drops: number;

  /** @param drops - packets the kernel has dropped until now */
  constructor(most: number, drops: number) {
    this.#most = most;
    this.#bytes = most;
    this.#drops = drops;
  }

  /** @returns bytes. @param drops - packets the kernel has dropped until now */
  report(drops: number): number {
    if (drops > this.#drops) this.#bytes = Math.max(LEAST_BYTES, SHRINK * this.#bytes);
    else this.#bytes = Math.min(this.#most, this.#bytes + GROW * this.#most);
    this.#drops = drops;
    return Math.floor(this.#bytes);
  }
}
