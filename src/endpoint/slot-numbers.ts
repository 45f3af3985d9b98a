/** Numbers of the socket's slots, which sessions and groups draw from alike. */
import { Mp2pError } from "../base/errors.ts";

const MAX_SLOT = 65_535;
/** Freed slots rest before they are used again: batches that wait to be read may still name them. */
const RESTING_SLOTS = 1024;

export class SlotNumbers {
  readonly #free: number[] = [];
  #last = 0;

  /** @throws {Mp2pError} `MP2P_LIMIT` where all are taken */
  take(): number {
    const rested = this.#free.length > RESTING_SLOTS || this.#last === MAX_SLOT;
    const slot = rested ? this.#free.shift() : ++this.#last;
    if (slot !== undefined) return slot;
    throw new Mp2pError("MP2P_LIMIT", "this endpoint holds no more sessions and groups");
  }

  release(slot: number): void {
    this.#free.push(slot);
  }
}
