/** Whatever is written in whatever pieces ends up in its place, though calls write less than they are asked to. */
import fs from "node:fs";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { closeFile, openFile } from "../../src/transfer/file-calls.ts";
import { WriteQueue } from "../../src/transfer/write-queue.ts";
import { runs } from "../support/runs.ts";
import { patch, scratch } from "./support.ts";

const PIECES = 12;
const MOST_BYTES = 50;

const cases = fc.record({
  lengths: fc.array(fc.integer({ min: 1, max: MOST_BYTES }), { minLength: 1, maxLength: PIECES }),
  /** Order of writing, by weight: neighbours are not always together. */
  weights: fc.array(fc.nat({ max: 3 }), { minLength: PIECES, maxLength: PIECES }),
  shorts: fc.infiniteStream(fc.nat({ max: 3 * MOST_BYTES })),
});

test.serial("pieces in any order, and calls that write less, make the same file", async (t) => {
  const path = join(await scratch(t), "file");
  const { writev } = fs;
  const property = fc.asyncProperty(cases, async ({ lengths, weights, shorts }) => {
    const short = (fd: number, parts: Uint8Array[], at: number, done: () => void) => {
      const { value } = shorts.next();
      Reflect.apply(writev, fs, [fd, [Buffer.concat(parts).subarray(0, 1 + value)], at, done]);
    };
    patch(t, { writev: short });
    let end = 0;
    const pieces = lengths.map((length, index) => {
      const position = end;
      end += length;
      return { position, bytes: Buffer.alloc(length, index + 1), weight: weights[index] ?? 0 };
    });
    const fd = await openFile(path, fs.constants.O_RDWR | fs.constants.O_CREAT);
    const queue = new WriteQueue(fd);
    const inOrder = pieces.toSorted((one, other) => one.weight - other.weight);
    await Promise.all(inOrder.map(({ bytes, position }) => queue.write(bytes, position)));
    await closeFile(fd);
    const wanted = Buffer.concat(pieces.map(({ bytes }) => bytes));
    t.deepEqual(fs.readFileSync(path), wanted);
    fs.rmSync(path);
  });
  await fc.assert(property, { numRuns: runs(50) });
});

test.serial("a call that fails fails its own writes, and later ones are tried", async (t) => {
  const path = join(await scratch(t), "file");
  const fd = await openFile(path, fs.constants.O_RDWR | fs.constants.O_CREAT);
  const { writev } = fs;
  let calls = 0;
  patch(t, {
    writev: (...args: [number, Uint8Array[], number, (error: Error) => void]) => {
      if (++calls === 2) setImmediate(args[3], new Error("no"));
      else Reflect.apply(writev, fs, args);
    },
  });
  const queue = new WriteQueue(fd);
  const outcomes = [0, 1, 2, 9].map((position) => queue.write(Buffer.from("x"), position));
  const states = (await Promise.allSettled(outcomes)).map(({ status }) => status);
  await closeFile(fd);
  // The first is a call of its own, its neighbours are the next, the last one is no neighbour.
  t.deepEqual(states, ["fulfilled", "rejected", "rejected", "fulfilled"]);
  t.is(calls, 3);
});
