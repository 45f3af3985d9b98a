import { readUint32 } from "./integers.ts";

/** What is kept under 8-byte connection ids, found without making a string or a bigint per packet. */
export class CidTable<Value> {
  readonly #byHigh = new Map<number, Map<number, Value>>();

  /** @param at - where in `bytes` the id begins; 8 bytes must follow */
  find(bytes: Uint8Array, at: number): Value | undefined {
    return this.#byHigh.get(readUint32(bytes, at))?.get(readUint32(bytes, at + 4));
  }

  /** @returns false where the id is taken */
  add(cid: Uint8Array, value: Value): boolean {
    requireCid(cid);
    const high = readUint32(cid, 0);
    const low = readUint32(cid, 4);
    const byLow = this.#byHigh.get(high) ?? new Map<number, Value>();
    this.#byHigh.set(high, byLow);
    if (byLow.has(low)) return false;
    byLow.set(low, value);
    return true;
  }

  delete(cid: Uint8Array): void {
    const high = readUint32(cid, 0);
    const byLow = this.#byHigh.get(high);
    if (byLow === undefined) return;
    byLow.delete(readUint32(cid, 4));
    if (byLow.size === 0) this.#byHigh.delete(high);
  }
}

export function requireCid(cid: Uint8Array): void {
  if (cid.length !== 8) throw new RangeError(`a connection id has 8 bytes, not ${cid.length}`);
}
