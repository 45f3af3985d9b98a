/** Blocks that came out wrong, until the sender's own copy shows which symbols were made up. */
import { BLOCK_SYMBOLS, PARITY_SYMBOLS, type Primitives } from "../../backend/port.ts";
import { equalBytes } from "../../base/bytes.ts";
import type { OpenBlock } from "./assembly.ts";
import type { Geometry } from "./geometry.ts";
import type { SourceBook } from "./source-book.ts";

/** One is enough to know a cheat by; a few at a time, for blocks are large. */
const SUSPECTS_MOST = 4;

type Suspect = Pick<OpenBlock, "bytes" | "from" | "parity"> & { readonly parityBytes: Uint8Array };

export class Suspects {
  /** Blocks to ask for by unicast. */
  readonly poisoned: Set<number> = new Set();
  readonly #primitives: Primitives;
  readonly #geometry: Geometry;
  readonly #book: SourceBook;
  readonly #kept = new Map<number, Suspect>();

  constructor(primitives: Primitives, geometry: Geometry, book: SourceBook) {
    this.#primitives = primitives;
    this.#geometry = geometry;
    this.#book = book;
  }

  /** @returns whether its buffer is kept */
  add(open: OpenBlock): boolean {
    this.poisoned.add(open.block);
    if (this.#kept.size >= SUSPECTS_MOST) return false;
    const { block, bytes, from, parity } = open;
    const parityBytes = (open.parityBytes ?? new Uint8Array(0)).slice();
    this.#kept.set(block, { bytes, from, parity, parityBytes });
    return true;
  }

  /** The block as its sender has it. @returns the buffer that was kept, to be used again */
  settle(block: number, authentic: Uint8Array): Uint8Array | undefined {
    this.poisoned.delete(block);
    const kept = this.#kept.get(block);
    if (kept === undefined) return undefined;
    this.#kept.delete(block);
    const whole = new Uint8Array(this.#geometry.blockBytes);
    whole.set(authentic);
    this.#judge(kept, kept.bytes, whole, 0, (symbol) => symbol);
    if (kept.parity.length > 0) {
      const parity = new Uint8Array(PARITY_SYMBOLS * this.#geometry.symbolBytes);
      this.#primitives.parity(whole, parity);
      const places = new Map(kept.parity.map((number, index) => [number, index]));
      const place = (symbol: number) => places.get(symbol) ?? 0;
      this.#judge(kept, kept.parityBytes, parity, BLOCK_SYMBOLS, place);
    }
    return kept.bytes;
  }

  /** @param place - where in `bytes` a symbol lies */
  #judge(
    { from }: Suspect,
    bytes: Uint8Array,
    authentic: Uint8Array,
    first: number,
    place: (symbol: number) => number,
  ): void {
    const { symbolBytes } = this.#geometry;
    const count = authentic.length / symbolBytes;
    for (let symbol = 0; symbol < count; symbol++) {
      const source = from[first + symbol] as number;
      if (source === 0) continue;
      const at = place(symbol) * symbolBytes;
      const came = bytes.subarray(at, at + symbolBytes);
      const sent = authentic.subarray(symbol * symbolBytes, (symbol + 1) * symbolBytes);
      this.#book.judge(source, 1, equalBytes(came, sent));
    }
  }
}
