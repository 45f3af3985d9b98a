/** In front of a unit in its buffer, so that record header and content are one write. */
export const HEADROOM_BYTES = 64;

/** Buffers of one size, made on demand and used again: fresh ones cost a page fault each 4 KiB. */
export class BufferPool {
  readonly #bytes: number;
  readonly #most: number;
  readonly #free: Buffer[] = [];
  #made = 0;
  /** Called when a buffer came back. */
  onFree: (() => void) | undefined;

  constructor(bytes: number, most: number) {
    this.#bytes = bytes;
    this.#most = most;
  }

  /** @returns undefined where all are in use */
  take(): Buffer | undefined {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#made === this.#most) return undefined;
    this.#made++;
    return Buffer.allocUnsafeSlow(this.#bytes);
  }

  give(buffer: Buffer): void {
    this.#free.push(buffer);
    this.onFree?.();
  }
}
