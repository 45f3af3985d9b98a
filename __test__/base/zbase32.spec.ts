import test from "ava";
import fc from "fast-check";
import { fromZbase32, toZbase32 } from "../../src/base/zbase32.ts";

test("bytes come back, in lower or upper case", (t) => {
  const property = fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    const text = toZbase32(bytes);
    t.is(text.length, Math.ceil((bytes.length * 8) / 5));
    t.deepEqual(fromZbase32(text), bytes);
    t.deepEqual(fromZbase32(text.toUpperCase()), bytes);
  });
  fc.assert(property);
});

/** Whole bytes of the table in the specification, section "examples". */
const EXAMPLES: readonly (readonly [string, readonly number[]])[] = [
  ["6n9hq", [0xf0, 0xbf, 0xc7]],
  ["4t7ye", [0xd4, 0x7a, 0x04]],
];

test("the specification's examples come out", (t) => {
  for (const [text, bytes] of EXAMPLES) t.is(toZbase32(Uint8Array.from(bytes)), text);
});

test("every text stands for at most one byte string, and every byte string for one text", (t) => {
  const letters = fc.string({
    unit: fc.constantFrom(..."ybndrfg8ejkmcpqxot1uwisza345h769"),
    maxLength: 20,
  });
  const property = fc.property(letters, (text) => {
    const bytes = fromZbase32(text);
    if (bytes !== undefined) t.is(toZbase32(bytes), text);
  });
  fc.assert(property, { numRuns: 500 });
});

test("a foreign letter, an impossible length and bits that mean nothing are refused", (t) => {
  const texts = {
    "a letter left out": "l0",
    "one letter": "y",
    "padding bits": "yb",
    space: "yy yy",
  };
  for (const [label, text] of Object.entries(texts)) t.is(fromZbase32(text), undefined, label);
  t.deepEqual(fromZbase32(""), new Uint8Array(0));
});
