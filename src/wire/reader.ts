const NOTHING = new Uint8Array(0);

/**
 * A cursor over hostile bytes. Reading past the end never throws: it yields zero and sets `failed`,
 * which the caller checks once, before it acts on what was read.
 */
export class Reader {
  bytes: Uint8Array = NOTHING;
  at = 0;
  failed = false;

  over(bytes: Uint8Array): this {
    this.bytes = bytes;
    this.at = 0;
    this.failed = false;
    return this;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  u8(): number {
    return this.#big(1);
  }

  u16(): number {
    return this.#big(2);
  }

  u32(): number {
    return this.#big(4);
  }

  u48(): number {
    return this.#big(6);
  }

  /** Integers of RFC 9000 section 16; above 2^53 - 1 is a failure. */
  varint(): number {
    const first = this.u8();
    if (first < 0x40) return first;
    const more = (1 << (first >> 6)) - 1;
    const value = this.#big(more, first & 0x3f);
    if (Number.isSafeInteger(value)) return value;
    this.failed = true;
    return 0;
  }

  /** A view of the next `length` bytes; empty where they are not there. */
  take(length: number): Uint8Array {
    if (length > this.left) {
      this.failed = true;
      return NOTHING;
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  rest(): Uint8Array {
    return this.take(this.left);
  }

  /** @param above - what stands before these bytes */
  #big(length: number, above = 0): number {
    if (length > this.left) {
      this.failed = true;
      return 0;
    }
    let value = above;
    for (let end = this.at + length; this.at < end; this.at++)
      value = value * 256 + (this.bytes[this.at] as number);
    return value;
  }
}
