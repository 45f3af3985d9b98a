/** A set of integers 0 to 2^53 - 1, kept as sorted, disjoint, non-touching half-open ranges. */
export class RangeSet {
  #starts: number[] = [];
  #ends: number[] = [];

  /** Number of ranges, not of integers. */
  get size(): number {
    return this.#starts.length;
  }

  start(index: number): number {
    return this.#starts[index] as number;
  }

  end(index: number): number {
    return this.#ends[index] as number;
  }

  /** How many integers the set holds. */
  get total(): number {
    let total = 0;
    for (let index = 0; index < this.size; index++) total += this.end(index) - this.start(index);
    return total;
  }

  /** Adds [start, end). @returns how many integers were not in the set before. */
  add(start: number, end: number): number {
    if (start >= end) return 0;
    const last = this.size - 1;
    if (last < 0) {
      // Most sets hold one range: a literal has room for one, where a push makes room for seventeen.
      this.#starts = [start];
      this.#ends = [end];
      return end - start;
    }
    if (start > this.end(last)) {
      this.#starts.push(start);
      this.#ends.push(end);
      return end - start;
    }
    const first = this.#firstEndingAtOrAfter(start);
    let after = first;
    let covered = 0;
    let low = start;
    let high = end;
    while (after < this.size && this.start(after) <= end) {
      low = Math.min(low, this.start(after));
      high = Math.max(high, this.end(after));
      covered += Math.max(0, Math.min(end, this.end(after)) - Math.max(start, this.start(after)));
      after++;
    }
    this.#replace(first, after, low, high);
    return end - start - covered;
  }

  /** Removes [start, end). @returns how many integers were in the set before. */
  remove(start: number, end: number): number {
    if (start >= end) return 0;
    let index = this.#firstEndingAtOrAfter(start + 1);
    let removed = 0;
    while (index < this.size && this.start(index) < end) {
      const low = this.start(index);
      const high = this.end(index);
      removed += Math.min(end, high) - Math.max(start, low);
      if (low < start && high > end) {
        this.#ends[index] = start;
        this.#starts.splice(index + 1, 0, end);
        this.#ends.splice(index + 1, 0, high);
        break;
      }
      if (low < start) {
        this.#ends[index++] = start;
      } else if (high > end) {
        this.#starts[index] = end;
        break;
      } else {
        this.#starts.splice(index, 1);
        this.#ends.splice(index, 1);
      }
    }
    return removed;
  }

  has(value: number): boolean {
    const index = this.#firstEndingAtOrAfter(value + 1);
    return index < this.size && this.start(index) <= value;
  }

  /** @returns whether all of [start, end) is in the set. */
  covers(start: number, end: number): boolean {
    if (start >= end) return true;
    const index = this.#firstEndingAtOrAfter(start + 1);
    return index < this.size && this.start(index) <= start && this.end(index) >= end;
  }

  /** Index of the first range that ends after `value`; `size` if there is none. */
  indexAfter(value: number): number {
    return this.#firstEndingAtOrAfter(value + 1);
  }

  /** Forgets the lowest ranges until at most `most` remain. */
  keepHighest(most: number): void {
    this.#forget(this.size - most);
  }

  /** Forgets the ranges that end below `value`: one that reaches it stays whole. */
  forgetBelow(value: number): void {
    this.#forget(this.#firstEndingAtOrAfter(value));
  }

  clear(): void {
    this.#starts.length = 0;
    this.#ends.length = 0;
  }

  /** Index of the first range whose end is at or after `value`; `size` if there is none. */
  #firstEndingAtOrAfter(value: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.end(middle) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #forget(lowest: number): void {
    if (lowest <= 0) return;
    this.#starts.splice(0, lowest);
    this.#ends.splice(0, lowest);
  }

  #replace(first: number, after: number, low: number, high: number): void {
    if (after === first + 1) {
      this.#starts[first] = low;
      this.#ends[first] = high;
      return;
    }
    this.#starts.splice(first, after - first, low);
    this.#ends.splice(first, after - first, high);
  }
}
