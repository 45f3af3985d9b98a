/** The parity of blocks in use is right, whatever was asked for in between. */
import test from "ava";
import fc from "fast-check";
import { BLOCK_SYMBOLS, PARITY_SYMBOLS } from "../../src/backend/port.ts";
import { toHex } from "../../src/base/bytes.ts";
import { Geometry } from "../../src/multicast/cast/geometry.ts";
import { ParityCache } from "../../src/multicast/cast/parity-cache.ts";
import { patterned } from "../conformance/harness.ts";
import { testPrimitives } from "../support/primitives.ts";
import { runs } from "../support/runs.ts";

const MOST = 3;

for (const [name, primitives] of await testPrimitives()) {
  test(`${name}: what a cache of parity gave stays until as many other blocks were asked for`, (t) => {
    const geometry = new Geometry(160, 1e6);
    const { symbolBytes } = geometry;
    const symbolsOf = (block: number) => patterned(BLOCK_SYMBOLS * symbolBytes, block);
    const wanted = Array.from({ length: 8 }, (_, block) => {
      const parity = new Uint8Array(PARITY_SYMBOLS * symbolBytes);
      primitives.parity(symbolsOf(block), parity);
      return toHex(parity);
    });
    const property = fc.property(fc.array(fc.nat({ max: 7 }), { maxLength: 30 }), (blocks) => {
      const cache = new ParityCache(primitives, geometry, MOST);
      const given = new Map<number, Uint8Array>();
      for (const block of blocks) {
        given.delete(block);
        given.set(block, cache.get(block, symbolsOf(block)));
        for (const [recent, parity] of [...given].slice(-MOST))
          t.true(toHex(parity) === wanted[recent]);
      }
    });
    fc.assert(property, { numRuns: runs(25) });
  });
}
