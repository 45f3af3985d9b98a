/**
 * The numbers that parity is made of: docs/PROTOCOL.md, "Parity of a cast".
 *
 * The code's coefficients are below 256, and those numbers are a field of their own, GF(2^8). Over it
 * an element of GF(2^16) is a pair: with u and v below 256, every number is u + 256 · v. So symbols
 * are brought to that form once, and from there on every byte is coded by itself.
 */

const POLYNOMIAL = 0x1002d;
const BASIS = [
  0x0001, 0xacca, 0x3c0e, 0x163e, 0xc582, 0xed2e, 0x914c, 0x4012, 0x6c98, 0x10d8, 0x6a72, 0xb900,
  0xfdb8, 0xfb34, 0xff38, 0x991e,
] as const;
const SIZE = 256;
/** Elements of the small field but zero: the order of its generator. */
const ORDER = SIZE - 1;

/** How the two bytes of an element are made a pair of the small field and back. */
export interface PairTables {
  /** First of the pair = low byte XOR `first[high byte]`. */
  readonly first: Uint8Array;
  /** Second of the pair. */
  readonly second: Uint8Array;
  /** The high byte, from the second of the pair. */
  readonly high: Uint8Array;
}

export class ParityField {
  /** Product of a and b at [a][b]. */
  readonly products: readonly Uint8Array[] = Array.from(
    { length: SIZE },
    () => new Uint8Array(SIZE),
  );
  readonly pairs: PairTables;
  readonly #inverses = new Uint8Array(SIZE);

  constructor() {
    const elements = Array.from({ length: SIZE }, (_, number) => elementOf(number));
    const numbers = new Map(elements.map((element, number) => [element, number]));
    this.#fillProducts(elements, numbers);
    this.pairs = pairTables(elements, numbers);
  }

  multiply(a: number, b: number): number {
    return this.products[a]?.[b] as number;
  }

  inverse(a: number): number {
    return this.#inverses[a] as number;
  }

  /** Powers of a generator give every product as a sum of logarithms. */
  #fillProducts(elements: readonly number[], numbers: ReadonlyMap<number, number>): void {
    const powers = powersOfGenerator(elements, numbers);
    const logarithms = new Uint8Array(SIZE);
    for (const [exponent, number] of powers.entries()) logarithms[number] = exponent;
    const log = (number: number): number => logarithms[number] as number;
    for (let a = 1; a < SIZE; a++) {
      this.#inverses[a] = powers[(ORDER - log(a)) % ORDER] as number;
      const row = this.products[a] as Uint8Array;
      for (let b = 1; b < SIZE; b++) row[b] = powers[(log(a) + log(b)) % ORDER] as number;
    }
  }
}

/** The field element, as a polynomial, that a number stands for. */
function elementOf(number: number): number {
  return BASIS.reduce((sum, basis, bit) => ((number >> bit) & 1 ? sum ^ basis : sum), 0);
}

function multiplyElements(a: number, b: number): number {
  let product = 0;
  let shifted = a;
  for (let bit = 0; bit < 16; bit++) {
    if ((b >> bit) & 1) product ^= shifted;
    shifted <<= 1;
    if (shifted > 0xffff) shifted ^= POLYNOMIAL;
  }
  return product;
}

function powersOfGenerator(
  elements: readonly number[],
  numbers: ReadonlyMap<number, number>,
): readonly number[] {
  for (const candidate of elements.slice(2)) {
    const powers = [1];
    let power = candidate;
    while (power !== 1) {
      powers.push(numbers.get(power) as number);
      power = multiplyElements(power, candidate);
    }
    if (powers.length === ORDER) return powers;
  }
  throw new Error("a finite field without a generator");
}

/** Each of the upper half of the basis is u + 256 · v; the rest follows by addition. */
function pairTables(elements: readonly number[], numbers: ReadonlyMap<number, number>): PairTables {
  const tables = {
    first: new Uint8Array(SIZE),
    second: new Uint8Array(SIZE),
    high: new Uint8Array(SIZE),
  };
  const [extension] = BASIS.slice(8) as [number];
  const multiples = elements.map((element) => multiplyElements(extension, element));
  for (let high = 1; high < SIZE; high++) {
    const element = elementOf(high << 8);
    const second = multiples.findIndex((multiple) => numbers.has(element ^ multiple));
    tables.first[high] = numbers.get(element ^ (multiples[second] as number)) as number;
    tables.second[high] = second;
    tables.high[second] = high;
  }
  return tables;
}
