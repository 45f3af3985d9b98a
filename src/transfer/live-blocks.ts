/**
 * What a live cast's blocks hold: each says how much of it counts, so that one that fills slowly leaves all the
 * same. docs/PROTOCOL.md, "Casts of files".
 *
 *   length 4 | bytes | zeros to the end of the block, but for the last one
 */
import { viewOf } from "../base/bytes.ts";
import { Mp2pError } from "../base/errors.ts";

const LENGTH_BYTES = 4;
/**
 * What was read waits at most so long for more: a block takes its 180 kB on the wire however little is in it,
 * so a slow producer costs 3 Mbit/s at most.
 */
const WAIT_MS = 500;

/** Cuts what a stream yields, as it yields it. */
export class LivePacker {
  readonly #chunks: AsyncIterator<Uint8Array | string>;
  #coming: Promise<IteratorResult<Uint8Array | string, unknown>> | undefined;
  #rest: Uint8Array = new Uint8Array();
  #isOver = false;
  #blockBytes = 1;
  /** By block: bytes of the stream up to its end. */
  readonly #ends: number[] = [];

  constructor(chunks: AsyncIterator<Uint8Array | string>) {
    this.#chunks = chunks;
  }

  /**
   * @param block - a whole one, filled
   * @returns bytes of it: all, but for the last one of the stream, which may be empty
   */
  async fill(block: Uint8Array): Promise<number> {
    const length = await this.#take(block.subarray(LENGTH_BYTES));
    if (length === 0) return 0;
    const end = LENGTH_BYTES + length;
    viewOf(block).setUint32(0, length);
    block.fill(0, end);
    this.#blockBytes = block.length;
    this.#ends.push((this.#ends.at(-1) ?? 0) + length);
    return this.#isOver ? end : block.length;
  }

  /** Bytes of the stream in so many bytes of blocks. */
  bytesIn(blockBytes: number): number {
    return this.#ends[Math.ceil(blockBytes / this.#blockBytes) - 1] ?? 0;
  }

  async #take(room: Uint8Array): Promise<number> {
    const late = new Late();
    let at = 0;
    try {
      while (at < room.length) {
        if (this.#rest.length === 0 && !(await this.#more(at === 0 ? undefined : late))) break;
        const some = this.#rest.subarray(0, room.length - at);
        room.set(some, at);
        this.#rest = this.#rest.subarray(some.length);
        at += some.length;
      }
      return at;
    } finally {
      late.clear();
    }
  }

  /** @returns false where the stream has ended, or nothing came before it was too late */
  async #more(late: Late | undefined): Promise<boolean> {
    this.#coming ??= this.#chunks.next();
    // Whoever reads next hears of it.
    this.#coming.catch(() => undefined);
    const result = await (late === undefined
      ? this.#coming
      : Promise.race([this.#coming, late.promise]));
    if (result === undefined) return false;
    this.#coming = undefined;
    const { done, value } = result;
    this.#isOver = done === true;
    if (this.#isOver) return false;
    if (typeof value !== "string" && !(value instanceof Uint8Array))
      throw new TypeError(`a stream that is cast yields bytes or text, not ${typeof value}`);
    this.#rest = typeof value === "string" ? Buffer.from(value) : value;
    return true;
  }
}

/** @returns a view of what counts in a block. @throws {Mp2pError} `MP2P_PROTOCOL` */
export function liveBytes(block: Uint8Array): Uint8Array {
  const length = block.length < LENGTH_BYTES ? 0 : viewOf(block).getUint32(0);
  if (length > 0 && length <= block.length - LENGTH_BYTES)
    return block.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
  throw new Mp2pError("MP2P_PROTOCOL", "a block of the live cast does not hold what it says");
}

/** The moment after which a block waits for no more; counts from when it is first asked for. */
class Late {
  #timer: NodeJS.Timeout | undefined;
  #promise: Promise<undefined> | undefined;

  get promise(): Promise<undefined> {
    this.#promise ??= new Promise((resolve) => {
      this.#timer = setTimeout(() => resolve(undefined), WAIT_MS);
    });
    return this.#promise;
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
