/** Unit hashes the receiver says it holds, by entry. */
import { HASH_BYTES } from "./hashes.ts";

export class Claims {
  readonly #byEntry = new Map<number, Map<number, Uint8Array>>();

  /** @returns false for a claim that cannot be: units that do not exist or were claimed before */
  add(entry: number, units: number, first: number, hashes: Uint8Array): boolean {
    const count = hashes.length / HASH_BYTES;
    if (first + count > units) return false;
    const claims = this.#byEntry.get(entry) ?? new Map<number, Uint8Array>();
    this.#byEntry.set(entry, claims);
    for (let at = 0; at < count; at++) {
      if (claims.has(first + at)) return false;
      claims.set(first + at, hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
    }
    return true;
  }

  of(entry: number): ReadonlyMap<number, Uint8Array> {
    return this.#byEntry.get(entry) ?? NOTHING;
  }

  drop(entry: number): void {
    this.#byEntry.delete(entry);
  }
}

const NOTHING: ReadonlyMap<number, Uint8Array> = new Map();
