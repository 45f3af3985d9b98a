/** Parity of the blocks repaired last, computed once for all of a block's repairs. */
import { PARITY_SYMBOLS, type Primitives } from "../../backend/port.ts";
import type { Geometry } from "./geometry.ts";

export class ParityCache {
  readonly #primitives: Primitives;
  readonly #geometry: Geometry;
  readonly #most: number;
  /** In the order of use. */
  readonly #parities = new Map<number, Uint8Array>();

  /** @param most - blocks; each is half a block of memory */
  constructor(primitives: Primitives, geometry: Geometry, most: number) {
    this.#primitives = primitives;
    this.#geometry = geometry;
    this.#most = most;
  }

  /** @param symbols - of the block. @returns good until `most` other blocks were asked for */
  get(block: number, symbols: Uint8Array): Uint8Array {
    const parity = this.#parities.get(block) ?? this.#compute(symbols);
    this.#parities.delete(block);
    this.#parities.set(block, parity);
    return parity;
  }

  #compute(symbols: Uint8Array): Uint8Array {
    const parity = this.#room();
    this.#primitives.parity(symbols, parity);
    return parity;
  }

  /** That of the block used longest ago, once there are enough. */
  #room(): Uint8Array {
    if (this.#parities.size >= this.#most) {
      for (const [oldest, parity] of this.#parities) {
        this.#parities.delete(oldest);
        return parity;
      }
    }
    return new Uint8Array(PARITY_SYMBOLS * this.#geometry.symbolBytes);
  }
}
