/**
 * Blocks of send buffers in three sizes, so that a stream of 32 bytes does not hold a bulk block
 * and a bulk write is one copy into memory that is warm.
 */
const BLOCK_BYTES = [4_096, 65_536, 262_144] as const;

/** Free blocks kept of each size; the rest goes back to the runtime. */
const KEPT_BLOCKS = [256, 64, 64] as const;

export class BlockPool {
  readonly #free: Uint8Array[][] = [[], [], []];

  /** The smallest block that holds `bytes`, or the largest there is. */
  take(bytes: number): Uint8Array {
    let size = 0;
    while (size < 2 && (BLOCK_BYTES[size] as number) < bytes) size++;
    return this.#free[size]?.pop() ?? new Uint8Array(BLOCK_BYTES[size] as number);
  }

  give(block: Uint8Array): void {
    const size = BLOCK_BYTES.indexOf(block.length as (typeof BLOCK_BYTES)[number]);
    const free = this.#free[size];
    if (free !== undefined && free.length < (KEPT_BLOCKS[size] as number)) free.push(block);
  }
}
