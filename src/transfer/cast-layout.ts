/** Which bytes of a cast's content are which bytes of which file. */
import { type Entry, KIND } from "./records.ts";

/** A run of bytes within one file. */
export interface Piece {
  /** Number of the entry. */
  readonly entry: number;
  /** Offset in the file. */
  readonly position: number;
  /** Offset in the range that was asked for. */
  readonly from: number;
  readonly length: number;
}

export class CastLayout {
  /** Length of the content. */
  readonly bytes: number;
  /** Files that are not empty: their numbers, and where in the content they begin. */
  readonly #entries: readonly number[];
  readonly #starts: Float64Array;

  constructor(entries: readonly Entry[]) {
    const numbers: number[] = [];
    for (const [number, { kind, size }] of entries.entries()) {
      if (kind === KIND.file && size > 0) numbers.push(number);
    }
    const starts = new Float64Array(numbers.length + 1);
    for (const [at, number] of numbers.entries()) {
      starts[at + 1] = (starts[at] as number) + (entries[number]?.size ?? 0);
    }
    this.#entries = numbers;
    this.#starts = starts;
    this.bytes = starts[numbers.length] as number;
  }

  /** The files that `length` bytes from `offset` are of, in order; bytes behind the end are nobody's. */
  *pieces(offset: number, length: number): Generator<Piece, void, undefined> {
    const end = Math.min(offset + length, this.bytes);
    let position = offset;
    for (let at = this.#find(offset); position < end; at++) {
      const stop = Math.min(end, this.#starts[at + 1] as number);
      yield {
        entry: this.#entries[at] as number,
        position: position - (this.#starts[at] as number),
        from: position - offset,
        length: stop - position,
      };
      position = stop;
    }
  }

  /** @returns the last file that begins at or before the offset */
  #find(offset: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] as number) <= offset) low = middle;
      else high = middle;
    }
    return low;
  }
}
