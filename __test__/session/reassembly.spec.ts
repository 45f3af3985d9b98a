import test from "ava";
import fc from "fast-check";
import { BlockPool } from "../../src/session/block-pool.ts";
import { Reassembly } from "../../src/session/reassembly.ts";

const RUNS = process.env.MP2P_SOAK === "1" ? 100_000 : 1000;
const STREAM = Uint8Array.from({ length: 4000 }, (_, at) => (at * 31 + (at >> 8)) & 0xff);

test("pieces in any order, overlapping and doubled, read as the stream, each byte once", (t) => {
  const piece = fc.tuple(fc.nat(STREAM.length), fc.nat(700), fc.boolean());
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const reassembly = new Reassembly(new BlockPool());
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
  const reassembly = new Reassembly(new BlockPool());
  const memory: ArrayBufferLike[] = [];
  for (let at = 2; at < 2000; at += 2) reassembly.insert(at, Uint8Array.of(1));
  t.is(reassembly.gaps, 999);
  reassembly.insert(0, new Uint8Array(2000));
  for (let bytes = reassembly.read(); bytes !== undefined; bytes = reassembly.read())
    memory.push(bytes.buffer);
  const held = [...new Set(memory)].reduce((sum, buffer) => sum + buffer.byteLength, 0);
  t.true(held < 8000, `${held} bytes`);
});

test("bytes that come one by one, in whatever order, are read in large pieces", (t) => {
  const count = 20_000;
  const orders: Record<string, (index: number) => number> = {
    "the last first": (index) => count - 1 - index,
    "every other one, then those between": (index) =>
      index < count / 2 ? 2 * index : 2 * index + 1 - count,
    "all but the first, then that": (index) => (index + 1) % count,
  };
  for (const [label, order] of Object.entries(orders)) {
    const reassembly = new Reassembly(new BlockPool());
    for (let index = 0; index < count; index++) {
      const at = order(index);
      reassembly.insert(at, Uint8Array.of((at * 31 + (at >> 8)) & 0xff));
    }
    let pieces = 0;
    let at = 0;
    for (let bytes = reassembly.read(); bytes !== undefined; bytes = reassembly.read()) {
      pieces++;
      for (const byte of bytes) {
        if (byte !== ((at * 31 + (at >> 8)) & 0xff)) t.fail(`${label}: byte ${at}`);
        at++;
      }
    }
    t.is(at, count, label);
    t.true(pieces <= count / 256, `${label}: ${pieces} pieces`);
  }
});

test("lent bytes are the stream too, their memory serves again, and what was read is never lent", (t) => {
  const large = Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 31 + (at >> 8)) & 0xff);
  const pieces = fc.array(fc.tuple(fc.integer({ min: 1, max: 400_000 }), fc.nat(5)), {
    maxLength: 40,
  });
  const property = fc.property(pieces, (steps) => {
    const pool = new BlockPool();
    const reassembly = new Reassembly(pool);
    const memory = new Set<ArrayBufferLike>();
    const kept: { readonly at: number; readonly bytes: Uint8Array }[] = [];
    let inserted = 0;
    let at = 0;
    const same = (bytes: Uint8Array, from: number) =>
      Buffer.compare(bytes, large.subarray(from, from + bytes.length)) === 0;
    const lend = (bytes: Uint8Array): true => {
      memory.add(bytes.buffer);
      t.true(same(bytes, at));
      at += bytes.length;
      return true;
    };
    for (const [length, what] of steps) {
      const end = Math.min(large.length, inserted + length);
      reassembly.insert(inserted, large.slice(inserted, end), true);
      inserted = end;
      if (what === 1) {
        const bytes = reassembly.read();
        if (bytes !== undefined) kept.push({ at, bytes });
        at += bytes?.length ?? 0;
      } else if (what > 2) while (reassembly.lend(lend) !== undefined);
    }
    while (reassembly.lend(lend) !== undefined);
    t.is(at, inserted);
    for (const { at: from, bytes } of kept) {
      t.true(same(bytes, from), `what was read at ${from} stays as it was`);
      t.false(memory.has(bytes.buffer) && bytes.buffer.byteLength === 262_144);
    }
  });
  fc.assert(property, { numRuns: RUNS / 20 });
});
