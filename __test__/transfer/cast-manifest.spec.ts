import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { CastLayout } from "../../src/transfer/cast-layout.ts";
import { readManifest, writeManifest } from "../../src/transfer/cast-manifest.ts";
import { receiveCast } from "../../src/transfer/receive-cast.ts";
import { type Entry, KIND } from "../../src/transfer/records.ts";
import { memoryCast } from "./memory-cast.ts";
import { entry } from "./raw-sender.ts";
import { noise, scratch } from "./support.ts";

const RUNS = process.env.MP2P_SOAK === "1" ? 5000 : 200;
const ID = new Uint8Array(16).fill(9);
const RULES = { portable: undefined, windows: false };

const names = fc.constantFrom("a", "b", "dir/a", "dir/deeper/c", "e\u0301", "x y");
const anyEntry: fc.Arbitrary<Entry> = fc.record({
  path: names,
  kind: fc.constant(KIND.file),
  mode: fc.nat({ max: 0o777 }),
  mtimeNs: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  size: fc.nat({ max: 5000 }),
  target: fc.constant(undefined),
});

/** Casts these entries, with content of the length they claim. */
function castOf(
  entries: readonly Parameters<typeof entry>[0][],
  tamper?: (manifest: Uint8Array) => Uint8Array,
) {
  const whole = entries.map((partial) => entry(partial));
  const content = noise(whole.reduce((sum, { size }) => sum + size, 0));
  const memory = memoryCast(tamper === undefined ? {} : { tamper });
  memory.sender.cast({
    manifest: writeManifest(ID, whole),
    bytes: content.length,
    read: async (offset, into) => {
      const some = content.subarray(offset, offset + into.length);
      into.set(some);
      return some.length;
    },
  });
  return { memory, content };
}

test("a manifest comes back as it was written", (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(anyEntry, { selector: ({ path }) => path }), (entries) => {
      const { id, book } = readManifest(writeManifest(ID, entries), RULES);
      t.deepEqual(id, ID);
      t.deepEqual(book.entries, entries);
      t.is(book.refused.size, 0);
    }),
    { numRuns: RUNS },
  );
});

test("more files than a call takes arguments are one cast", (t) => {
  const entries = Array.from({ length: 150_000 }, (_, number) => entry({ path: `${number}` }));
  const { book } = readManifest(writeManifest(ID, entries), RULES);
  t.is(book.entries.length, entries.length);
  t.deepEqual(book.entries.at(-1), entries.at(-1));
});

test("a damaged manifest is an error of this package or an offer, and never more than was said", (t) => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 5 }), changes, fc.nat(), (entries, flips, cut) => {
      const whole = writeManifest(ID, entries);
      const bytes = whole.slice(0, flips.length === 0 ? cut % whole.length : whole.length);
      for (const [at, flip] of flips) {
        bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ flip;
      }
      try {
        const { book } = readManifest(bytes, RULES);
        t.is(book.entries.length, entries.length);
      } catch (error) {
        t.is((error as Error).name, "Mp2pError");
      }
    }),
    { numRuns: RUNS },
  );
});

test("any manifest at all ends in an error of the receiver's own or in files below its folder", async (t) => {
  const tails = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constant(new Uint8Array()));
  await fc.assert(
    fc.asyncProperty(tails, fc.nat(), fc.nat(255), async (tail, at, flip) => {
      const around = await scratch(t);
      await mkdir(join(around, "into"));
      const { memory } = castOf([{ path: "a" }, { path: "b/c", size: 9 }], (manifest) => {
        const bytes = new Uint8Array([...manifest, ...tail]);
        bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ flip;
        return bytes;
      });
      const received = receiveCast(memory.receiver, "", join(around, "into"));
      const end = await received.done.catch((error) => error);
      t.true("partial" in end || end.name === "Mp2pError", String(end));
      t.deepEqual(await readdir(around), ["into"]);
    }),
    { numRuns: RUNS / 4 },
  );
});

test("hostile names are refused as in a transfer, and the rest arrives", async (t) => {
  const around = await scratch(t);
  const into = join(around, "into");
  await mkdir(into);
  const hostile = ["../out", "/etc/passwd", ".mp2p/x", "a/../../b", "con", "nul\u0000", "c\u202ed"];
  const { memory, content } = castOf([
    ...hostile.map((path) => ({ path, size: 100 })),
    { path: "good", size: 300 },
    { path: "link", kind: KIND.link, size: 0, target: "../../etc" },
    { path: "good/below", size: 5 },
  ]);
  const summary = await receiveCast(memory.receiver, "", into).done;
  t.is(summary.failed.length, hostile.length + 2);
  t.true(summary.failed.every(({ code }) => code === "MP2P_NAME"));
  t.deepEqual(await readdir(around), ["into"]);
  t.deepEqual(await readdir(into), ["good"]);
  t.deepEqual(await readFile(join(into, "good")), content.subarray(700, 1000));
});

test("content of another length than the files is refused before anything is written", async (t) => {
  const into = await scratch(t);
  const memory = memoryCast();
  const manifest = writeManifest(ID, [entry({ path: "a", size: 10 })]);
  memory.sender.cast({ manifest, bytes: 11, read: async () => 0 });
  await t.throwsAsync(receiveCast(memory.receiver, "", into).done, { code: "MP2P_PROTOCOL" });
  t.deepEqual(await readdir(into), []);
});

test("every byte of the content is of one file, in order", (t) => {
  const sizes = fc.array(fc.nat({ max: 300 }), { maxLength: 20 });
  fc.assert(
    fc.property(sizes, fc.nat({ max: 4000 }), fc.nat({ max: 2000 }), (lengths, offset, length) => {
      const entries = lengths.map((size, at) => entry({ path: String(at), size }));
      const layout = new CastLayout(entries);
      const owners = lengths.flatMap((size, at) =>
        Array.from({ length: size }, (_, position) => `${at}:${position}`),
      );
      t.is(layout.bytes, owners.length);
      const found = [...layout.pieces(offset, length)].flatMap((piece) =>
        Array.from({ length: piece.length }, (_, at) => `${piece.entry}:${piece.position + at}`),
      );
      t.deepEqual(found, owners.slice(offset, offset + length));
    }),
    { numRuns: RUNS },
  );
});

test("a folder that is declined for its size is left as it was", async (t) => {
  const into = await scratch(t);
  await writeFile(join(into, "mine"), "mine");
  const { memory } = castOf([{ path: "a", size: 100 }]);
  const limited = receiveCast(memory.receiver, "", into, { limits: { bytes: 99 } });
  await t.throwsAsync(limited.done, { code: "MP2P_LIMIT" });
  t.deepEqual(await readdir(into), ["mine"]);
});
