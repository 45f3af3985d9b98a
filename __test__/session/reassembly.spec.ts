import test from "ava";
import fc from "fast-check";
import { Reassembly } from "../../src/session/reassembly.ts";

const RUNS = process.env.MP2P_SOAK === "1" ? 100_000 : 1000;
const STREAM = Uint8Array.from({ length: 4000 }, (_, at) => (at * 31 + (at >> 8)) & 0xff);

test("pieces in any order, overlapping and doubled, read as the stream, each byte once", (t) => {
  const piece = fc.tuple(fc.nat(STREAM.length), fc.nat(700), fc.boolean());
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const reassembly = new Reassembly();
      const read: number[] = [];
      const drain = () => {
        for (let bytes = reassembly.read(); bytes !== undefined; bytes = reassembly.read()) {
          read.push(...bytes);
          bytes.fill(0xee);
        }
      };
      for (const [start, length, reads] of pieces) {
        const borrowed = STREAM.slice(start, start + length);
        reassembly.insert(start, borrowed);
        borrowed.fill(0xdd);
        if (reads) drain();
      }
      reassembly.insert(0, STREAM);
      t.is(reassembly.gaps, 0);
      drain();
      t.deepEqual(Uint8Array.from(read), STREAM);
      t.is(reassembly.readTo, STREAM.length);
    }),
    { numRuns: RUNS },
  );
});

test("a byte far ahead costs a byte, not a chunk", (t) => {
  const reassembly = new Reassembly();
  const memory: ArrayBufferLike[] = [];
  for (let at = 2; at < 2000; at += 2) reassembly.insert(at, Uint8Array.of(1));
  t.is(reassembly.gaps, 999);
  reassembly.insert(0, new Uint8Array(2000));
  for (let bytes = reassembly.read(); bytes !== undefined; bytes = reassembly.read())
    memory.push(bytes.buffer);
  const held = [...new Set(memory)].reduce((sum, buffer) => sum + buffer.byteLength, 0);
  t.true(held < 8000, `${held} bytes`);
});
