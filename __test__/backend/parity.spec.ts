/** Parity of a cast's blocks, in both backends: the frozen vectors, and what makes it a code. */
import { readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import { BLOCK_SYMBOLS, PARITY_SYMBOLS, type Primitives } from "../../src/backend/port.ts";
import { concat, fromHex, toHex } from "../../src/base/bytes.ts";
import { patterned } from "../conformance/harness.ts";
import { availableKinds, loadBackend, nativeMissing } from "../support/backends.ts";
import { runs } from "../support/runs.ts";

interface Vectors {
  readonly coefficients: readonly {
    readonly parity: number;
    readonly source: number;
    readonly coefficient: number;
  }[];
  readonly blocks: readonly {
    readonly symbolBytes: number;
    readonly block: string;
    readonly parity: string;
    readonly erasures: readonly { readonly missing: number[]; readonly have: number[] }[];
  }[];
}

const VECTORS = JSON.parse(readFileSync("__test__/vectors/parity.json", "utf8")) as Vectors;
const kinds = await availableKinds();
const missingNative = await nativeMissing();

if (missingNative !== undefined) test.skip(`NATIVE BACKEND NOT TESTED: ${missingNative}`, () => {});

function symbolsOf(symbols: Uint8Array, size: number, numbers: readonly number[]): Uint8Array {
  return concat(...numbers.map((number) => symbols.subarray(number * size, (number + 1) * size)));
}

/** Whatever lay there before. */
function parityOf(primitives: Primitives, block: Uint8Array): Uint8Array {
  const parity = new Uint8Array((block.length / BLOCK_SYMBOLS) * PARITY_SYMBOLS).fill(0xee);
  primitives.parity(block, parity);
  return parity;
}

interface Erasure {
  readonly missing: readonly number[];
  readonly have: readonly number[];
}

/** @returns the block restored after its missing symbols were overwritten */
function restored(
  primitives: Primitives,
  block: Uint8Array,
  parity: Uint8Array,
  { missing, have }: Erasure,
): Uint8Array {
  const size = block.length / BLOCK_SYMBOLS;
  const damaged = block.slice();
  for (const number of missing) damaged.fill(0xee, number * size, (number + 1) * size);
  const numbers = Uint8Array.from(have);
  primitives.restore(damaged, Uint8Array.from(missing), numbers, symbolsOf(parity, size, have));
  return damaged;
}

for (const kind of kinds) {
  test(`${kind}: parity is that of the frozen vectors, and their erasures are restored`, async (t) => {
    const { primitives } = await loadBackend(kind);
    t.true(VECTORS.blocks.length > 0);
    for (const { symbolBytes, erasures, ...hex } of VECTORS.blocks) {
      const block = fromHex(hex.block) as Uint8Array;
      const parity = parityOf(primitives, block);
      t.is(toHex(parity), hex.parity, `${symbolBytes} bytes`);
      for (const erasure of erasures) {
        t.is(toHex(restored(primitives, block, parity, erasure)), hex.block, `${erasure.missing}`);
      }
    }
  });

  test(`${kind}: one source symbol of one set bit shows the matrix's coefficient`, async (t) => {
    const { primitives } = await loadBackend(kind);
    for (const { parity: row, source, coefficient } of VECTORS.coefficients) {
      const block = new Uint8Array(BLOCK_SYMBOLS * 2);
      block[source * 2] = 1;
      const parity = parityOf(primitives, block);
      t.deepEqual([parity[row * 2], parity[row * 2 + 1]], [coefficient, 0], `${row}, ${source}`);
    }
  });

  test(`${kind}: any 128 of the 192 symbols restore the block`, async (t) => {
    const { primitives } = await loadBackend(kind);
    const cases = fc.record({
      size: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(580, 716, 4_466)),
      kept: fc.shuffledSubarray(
        Array.from({ length: BLOCK_SYMBOLS + PARITY_SYMBOLS }, (_, number) => number),
        { minLength: BLOCK_SYMBOLS, maxLength: BLOCK_SYMBOLS },
      ),
      seed: fc.nat({ max: 255 }),
    });
    const property = fc.property(cases, ({ size, kept, seed }) => {
      const block = patterned(BLOCK_SYMBOLS * 2 * size, seed);
      const parity = parityOf(primitives, block);
      const have = kept
        .filter((number) => number >= BLOCK_SYMBOLS)
        .map((number) => number - BLOCK_SYMBOLS);
      const present = new Set(kept);
      const missing = Array.from({ length: BLOCK_SYMBOLS }, (_, number) => number).filter(
        (number) => !present.has(number),
      );
      t.is(missing.length, have.length);
      t.is(Buffer.compare(restored(primitives, block, parity, { missing, have }), block), 0);
    });
    fc.assert(property, { numRuns: runs(25) });
  });

  test(`${kind}: wrong shapes throw RangeError and change nothing`, async (t) => {
    const { primitives } = await loadBackend(kind);
    const block = patterned(BLOCK_SYMBOLS * 6);
    const before = block.slice();
    const parity = parityOf(primitives, block);
    for (const length of [0, 127, BLOCK_SYMBOLS, BLOCK_SYMBOLS * 3, BLOCK_SYMBOLS * 2 + 2]) {
      t.throws(
        () => parityOf(primitives, new Uint8Array(length)),
        { instanceOf: RangeError },
        `${length}`,
      );
    }
    const short = new Uint8Array(parity.length - 1);
    t.throws(() => primitives.parity(block, short), { instanceOf: RangeError });
    const bad: Readonly<Record<string, [missing: number[], have: number[], symbols?: number]>> = {
      "fewer parity symbols than are missing": [[1, 2], [3]],
      "a source symbol of 128": [[128], [3]],
      "a parity symbol of 64": [[1], [64]],
      "missing symbols in disorder": [
        [2, 1],
        [3, 4],
      ],
      "one missing symbol twice": [
        [2, 2],
        [3, 4],
      ],
      "one parity symbol twice": [
        [1, 2],
        [3, 3],
      ],
      "parity of another length": [[1], [3], 2],
    };
    for (const [label, [missing, have, symbols = have.length]] of Object.entries(bad)) {
      const numbers = [Uint8Array.from(missing), Uint8Array.from(have)] as const;
      const call = () => primitives.restore(block, ...numbers, parity.slice(0, symbols * 6));
      t.throws(call, { instanceOf: RangeError }, label);
    }
    primitives.restore(block, new Uint8Array(0), new Uint8Array(0), new Uint8Array(0));
    t.deepEqual(block, before);
  });
}
