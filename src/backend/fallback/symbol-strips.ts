/**
 * Strips of symbols in the small field's form, added and multiplied: 256 bytes of each symbol at a
 * time, so that all of a block's symbols stay in the processor's cache.
 */
import type { PairTables, ParityField } from "./parity-field.ts";

export const STRIP_BYTES = 256;
const STRIP_WORDS = STRIP_BYTES / 4;
/** Pieces of a symbol: first the low bytes of its elements, then the high ones. */
const PIECE_BYTES = 64;

export class SymbolStrips {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  /** By coefficient. */
  readonly #products: readonly Uint8Array[];
  readonly #pairs: PairTables;

  constructor(count: number, field: ParityField) {
    this.#bytes = new Uint8Array(count * STRIP_BYTES);
    this.#words = new Uint32Array(this.#bytes.buffer);
    this.#products = field.products;
    this.#pairs = field.pairs;
  }

  /** Bytes [from, from + 256) of the symbol of `size` bytes at `at`; zeros behind its end. */
  load(strip: number, source: Uint8Array, at: number, from: number, size: number): void {
    const { first, second } = this.#pairs;
    const bytes = this.#bytes;
    const to = strip * STRIP_BYTES;
    const length = Math.min(STRIP_BYTES, size - from);
    for (let piece = 0; piece < length; piece += PIECE_BYTES) {
      const half = Math.min(PIECE_BYTES, length - piece) / 2;
      for (let low = piece; low < piece + half; low++) {
        const high = source[at + from + low + half] as number;
        bytes[to + low] = (source[at + from + low] as number) ^ (first[high] as number);
        bytes[to + low + half] = second[high] as number;
      }
    }
    bytes.fill(0, to + length, to + STRIP_BYTES);
  }

  /** The other way of `load`. */
  store(strip: number, target: Uint8Array, at: number, from: number, size: number): void {
    const { first, high: highs } = this.#pairs;
    const bytes = this.#bytes;
    const of = strip * STRIP_BYTES;
    const length = Math.min(STRIP_BYTES, size - from);
    for (let piece = 0; piece < length; piece += PIECE_BYTES) {
      const half = Math.min(PIECE_BYTES, length - piece) / 2;
      for (let low = piece; low < piece + half; low++) {
        const high = highs[bytes[of + low + half] as number] as number;
        target[at + from + low] = (bytes[of + low] as number) ^ (first[high] as number);
        target[at + from + low + half] = high;
      }
    }
  }

  clear(strip: number): void {
    this.#words.fill(0, strip * STRIP_WORDS, (strip + 1) * STRIP_WORDS);
  }

  /** to = left + right */
  add(to: number, left: number, right: number): void {
    const words = this.#words;
    const [toAt, leftAt, rightAt] = [to * STRIP_WORDS, left * STRIP_WORDS, right * STRIP_WORDS];
    for (let at = 0; at < STRIP_WORDS; at++)
      words[toAt + at] = (words[leftAt + at] as number) ^ (words[rightAt + at] as number);
  }

  /** to = to + coefficient · from; by words, which takes less than half the time that bytes take. */
  multiplyAdd(to: number, from: number, coefficient: number): void {
    const words = this.#words;
    const row = this.#products[coefficient] as Uint8Array;
    const [toAt, fromAt] = [to * STRIP_WORDS, from * STRIP_WORDS];
    for (let at = 0; at < STRIP_WORDS; at++) {
      const word = words[fromAt + at] as number;
      const low = (row[word & 0xff] as number) | ((row[(word >>> 8) & 0xff] as number) << 8);
      const high = (row[(word >>> 16) & 0xff] as number) | ((row[word >>> 24] as number) << 8);
      words[toAt + at] = (words[toAt + at] as number) ^ (low | (high << 16));
    }
  }
}
