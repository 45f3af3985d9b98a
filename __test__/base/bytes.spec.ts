import test from "ava";
import fc from "fast-check";
import {
  ascii,
  compareBytes,
  concat,
  equalBytes,
  equalSecrets,
  fromHex,
  readUint48,
  toHex,
  viewOf,
  writeUint48,
} from "../../src/base/bytes.ts";

const BYTES = fc.uint8Array({ maxLength: 40 });

test("hex, joining and comparing agree with Buffer", (t) => {
  const property = fc.property(BYTES, BYTES, (left, right) => {
    t.is(toHex(left), Buffer.from(left).toString("hex"));
    t.deepEqual(fromHex(toHex(left).toUpperCase()), left);
    t.deepEqual(concat(left, right), new Uint8Array(Buffer.concat([left, right])));
    t.is(Math.sign(compareBytes(left, right)), Buffer.compare(left, right));
    t.is(equalBytes(left, right), Buffer.compare(left, right) === 0);
    t.is(equalSecrets(left, right), equalBytes(left, right));
  });
  fc.assert(property);
});

test("secrets that differ in one bit anywhere are not equal", (t) => {
  const secret = new Uint8Array(32).fill(0x5a);
  t.true(equalSecrets(secret, secret.slice()));
  for (let bit = 0; bit < 256; bit++) {
    const other = secret.slice();
    other[bit >> 3] = 0x5a ^ (1 << (bit & 7));
    t.false(equalSecrets(secret, other), `bit ${bit}`);
  }
});

test("text that is not hex is refused", (t) => {
  for (const text of ["0", "0g", " 00", "0x00", "é0"]) t.is(fromHex(text), undefined, text);
});

test("text outside ASCII is refused, and a label's NUL is a byte of it", (t) => {
  t.deepEqual(ascii("a\0"), Uint8Array.of(97, 0));
  t.throws(() => ascii("é"), { instanceOf: RangeError });
});

test("48-bit integers are exact at every place of a slice", (t) => {
  const property = fc.property(fc.nat({ max: 2 ** 48 - 1 }), fc.nat({ max: 5 }), (value, at) => {
    const view = viewOf(new Uint8Array(20).subarray(3));
    writeUint48(view, at, value);
    t.is(readUint48(view, at), value);
    t.is(view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2), value, "big endian");
  });
  fc.assert(property);
});
