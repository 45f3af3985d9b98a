/**
 * Parity of a cast's blocks: docs/PROTOCOL.md, "Parity of a cast". Its matrix of 64 x 128 is two
 * halves whose coefficient depends on (row XOR column) only, so a product with a half is a dyadic
 * convolution, which 3^6 multiplications of symbols do instead of 64^2:
 *
 *   (a0, a1) * (b0, b1) = (m + a1 (b0 + b1), m + a0 (b0 + b1))   with m = (a0 + a1) b0
 *
 * What is missing is found by the inverse of a Cauchy matrix, which has a closed form.
 */
import { BLOCK_SYMBOLS, PARITY_SYMBOLS } from "../port.ts";
import { ParityField } from "./parity-field.ts";
import { STRIP_BYTES, SymbolStrips } from "./symbol-strips.ts";

const HALF = BLOCK_SYMBOLS / 2;
/** Symbols of the strips: source, parity, then sums and products of the convolution's levels. */
const AT = { source: 0, parity: BLOCK_SYMBOLS, sum: 192, product: 256, COUNT: 320 } as const;
/** Multiplications of both convolutions: with fewer, syndromes are had from their rows alone. */
const CONVOLUTION_COST = 2 * 3 ** 6;

export class ParityCode {
  readonly #field = new ParityField();
  readonly #strips = new SymbolStrips(AT.COUNT, this.#field);
  /** Coefficients of each half at (row XOR column), and as the convolution wants them. */
  readonly #coefficients: readonly Uint8Array[];
  readonly #folded: readonly Uint8Array[];

  constructor() {
    const inverse = (number: number): number => this.#field.inverse(number);
    this.#coefficients = [
      Uint8Array.from({ length: HALF }, (_, at) => inverse(HALF + at)),
      Uint8Array.from({ length: HALF }, (_, at) => this.#field.multiply(2, inverse(2 * HALF + at))),
    ];
    this.#folded = this.#coefficients.map(folded);
  }

  /** @throws {RangeError} for a block that is not 128 symbols of equal, even size, and parity that is not 64 */
  parity(block: Uint8Array, parity: Uint8Array): void {
    const size = symbolBytes(block);
    if (parity.length !== PARITY_SYMBOLS * size)
      throw new RangeError(`parity of ${parity.length} bytes is not 64 symbols of ${size}`);
    for (let from = 0; from < size; from += STRIP_BYTES) {
      for (let number = 0; number < BLOCK_SYMBOLS; number++)
        this.#strips.load(AT.source + number, block, number * size, from, size);
      this.#convolve();
      for (let number = 0; number < PARITY_SYMBOLS; number++)
        this.#strips.store(AT.parity + number, parity, number * size, from, size);
    }
  }

  /** @throws {RangeError} for numbers that are not as the port wants them, and wrong sizes */
  restore(block: Uint8Array, missing: Uint8Array, have: Uint8Array, parity: Uint8Array): void {
    const size = symbolBytes(block);
    checkNumbers(missing, have);
    if (parity.length !== have.length * size)
      throw new RangeError(`${have.length} parity symbols have not ${parity.length} bytes`);
    const rows = have.subarray(0, missing.length);
    const inverse = this.#inverse(rows, missing);
    for (let from = 0; from < size && missing.length > 0; from += STRIP_BYTES) {
      for (let number = 0; number < BLOCK_SYMBOLS; number++)
        this.#strips.load(AT.source + number, block, number * size, from, size);
      for (const number of missing) this.#strips.clear(AT.source + number);
      this.#toSyndromes(rows, missing, (row, into) =>
        this.#strips.load(into, parity, row * size, from, size),
      );
      for (const [index, number] of missing.entries()) {
        this.#combine(rows, inverse, index);
        this.#strips.store(AT.product, block, number * size, from, size);
      }
    }
  }

  /** Parity of the source strips, all of it. */
  #convolve(): void {
    for (let row = 0; row < PARITY_SYMBOLS; row++) this.#strips.clear(AT.parity + row);
    for (const [half, coefficients] of this.#folded.entries())
      this.#accumulate(HALF, AT.source + half * HALF, coefficients, 0, AT.parity);
  }

  /** Adds the convolution of `count` symbols at `from` with coefficients at `at` to those at `to`. */
  #accumulate(count: number, from: number, coefficients: Uint8Array, at: number, to: number): void {
    const strips = this.#strips;
    if (count === 1) {
      strips.multiplyAdd(to, from, coefficients[at] as number);
      return;
    }
    const half = count / 2;
    // A level of `count` symbols works at [half, count) behind `sum` and `product`.
    const [sum, product] = [AT.sum + half, AT.product + half];
    for (let each = 0; each < half; each++) strips.clear(product + each);
    for (let each = 0; each < half; each++) strips.add(sum + each, from + each, from + half + each);
    this.#accumulate(half, sum, coefficients, at, product);
    this.#accumulate(half, from + half, coefficients, at + half, to);
    this.#accumulate(half, from, coefficients, at + half, to + half);
    for (let each = 0; each < half; each++) {
      strips.add(to + each, to + each, product + each);
      strips.add(to + half + each, to + half + each, product + each);
    }
  }

  /** What the missing symbols alone add to the parity symbols `rows`, at their places. */
  #toSyndromes(
    rows: Uint8Array,
    missing: Uint8Array,
    load: (index: number, into: number) => void,
  ): void {
    const strips = this.#strips;
    const known = BLOCK_SYMBOLS - missing.length;
    const isFew = rows.length * known < CONVOLUTION_COST;
    if (isFew) for (const row of rows) this.#accumulateRow(row);
    else this.#convolve();
    for (const [index, row] of rows.entries()) {
      load(index, AT.product);
      strips.add(AT.parity + row, AT.parity + row, AT.product);
    }
  }

  #accumulateRow(row: number): void {
    this.#strips.clear(AT.parity + row);
    for (let number = 0; number < BLOCK_SYMBOLS; number++)
      this.#strips.multiplyAdd(AT.parity + row, AT.source + number, this.#coefficient(row, number));
  }

  #coefficient(row: number, number: number): number {
    const half = this.#coefficients[number < HALF ? 0 : 1] as Uint8Array;
    return half[row ^ (number % HALF)] as number;
  }

  /** The missing symbol `index`, from syndromes, into the first strip of `product`. */
  #combine(rows: Uint8Array, inverse: Uint8Array, index: number): void {
    this.#strips.clear(AT.product);
    for (const [at, row] of rows.entries()) {
      const coefficient = inverse[index * rows.length + at] as number;
      this.#strips.multiplyAdd(AT.product, AT.parity + row, coefficient);
    }
  }

  /**
   * Inverse of the matrix 1 / (x + y), x the rows and y = 64 + the missing numbers, by products over
   * all differences (Schechter 1959); the factor 2 of the second half is taken out of its rows.
   */
  #inverse(rows: Uint8Array, missing: Uint8Array): Uint8Array {
    const field = this.#field;
    const columns = missing.map((number) => HALF + number);
    const product = (of: Uint8Array, value: number): number =>
      of.reduce((all, each) => (each === value ? all : field.multiply(all, each ^ value)), 1);
    const ofRows = rows.map((x) =>
      field.multiply(product(columns, x), field.inverse(product(rows, x))),
    );
    const inverse = new Uint8Array(rows.length * columns.length);
    for (const [index, y] of columns.entries()) {
      const scale = y < 2 * HALF ? 1 : field.inverse(2);
      const ofColumn = field.multiply(product(rows, y), field.inverse(product(columns, y)));
      for (const [at, x] of rows.entries()) {
        const both = field.multiply(ofColumn, ofRows[at] as number);
        const value = field.multiply(both, field.inverse(x ^ y));
        inverse[index * rows.length + at] = field.multiply(value, scale);
      }
    }
    return inverse;
  }
}

/** At each level the second half becomes the sum of both: the only two that the convolution uses. */
function folded(coefficients: Uint8Array): Uint8Array {
  const result = coefficients.slice();
  for (let half = HALF / 2; half >= 1; half /= 2) {
    for (let at = 0; at < HALF; at++) {
      if ((at & half) !== 0) result[at] = (result[at] as number) ^ (result[at - half] as number);
    }
  }
  return result;
}

function symbolBytes(block: Uint8Array): number {
  const size = block.length / BLOCK_SYMBOLS;
  if (size > 0 && size % 2 === 0) return size;
  throw new RangeError(`a block has 128 symbols of equal, even size, not ${block.length} bytes`);
}

function checkNumbers(missing: Uint8Array, have: Uint8Array): void {
  const isAscending = missing.every((number, at) => at === 0 || (missing[at - 1] ?? 0) < number);
  if (!isAscending || (missing.at(-1) ?? 0) >= BLOCK_SYMBOLS)
    throw new RangeError("missing symbols are ascending numbers below 128");
  const isKnown = have.every((number) => number < PARITY_SYMBOLS);
  if (!isKnown || new Set(have).size < have.length || have.length < missing.length)
    throw new RangeError(
      "parity symbols are different numbers below 64, one for each missing symbol",
    );
}
