/** Entries that a target could not keep apart are refused, at a cost that grows with their names alone. */
import test from "ava";
import fc from "fast-check";
import { type Folding, OfferBook } from "../../src/transfer/offer-book.ts";
import { receiveFiles } from "../../src/transfer/receive.ts";
import { KIND } from "../../src/transfer/records.ts";
import { ENTRY_UNITS, TURN_UNITS, Turns } from "../../src/transfer/turns.ts";
import { runs } from "../support/runs.ts";
import { entry, RawSender } from "./raw-sender.ts";
import { memoryPair, scratch } from "./support.ts";

const FOLDS_ALL = { caseless: true, normalising: true };
const unchecked = () => new Turns(() => undefined);

function bookOf(paths: readonly string[]): OfferBook {
  const book = new OfferBook({ portable: undefined, windows: false });
  for (const path of paths) book.add(entry({ path, kind: KIND.folder, size: 0 }));
  return book;
}

/** Every path is compared with every folder and path before it, by its whole name. */
function refusedByDefinition(book: OfferBook, fold: (path: string) => string): number[] {
  const spelled = new Map<string, string>();
  const refused: number[] = [];
  for (const [number, { path }] of book.fit()) {
    const parts = path.split("/");
    const prefixes = parts.map((_, at) => parts.slice(0, at + 1).join("/"));
    const clash = prefixes.findIndex((each) => (spelled.get(fold(each)) ?? each) !== each);
    if (clash >= 0) refused.push(number);
    for (const each of clash < 0 ? prefixes : prefixes.slice(0, clash))
      spelled.set(fold(each), each);
  }
  return refused;
}

const FOLDS: Record<string, readonly [Folding, (path: string) => string]> = {
  both: [FOLDS_ALL, (path) => path.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC")],
  "letter case": [
    { caseless: true, normalising: false },
    (path) => path.toUpperCase().toLowerCase(),
  ],
  "Unicode forms": [{ caseless: false, normalising: true }, (path) => path.normalize("NFC")],
};
const NAMES = [
  "a",
  "A",
  "b",
  "\u00e9",
  "e\u0301",
  "E\u0301",
  "\u0301",
  "\u03a3",
  "\u03c3",
  "a\u03a3",
];

for (const [label, [folding, fold]] of Object.entries(FOLDS)) {
  test(`a target that folds ${label} is offered no two spellings of one path or folder`, async (t) => {
    const path = fc
      .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 })
      .map((names) => names.join("/"));
    const holds = fc.asyncProperty(fc.uniqueArray(path, { maxLength: 12 }), async (paths) => {
      const book = bookOf(paths);
      const before = book.refused.size;
      const expected = refusedByDefinition(book, fold);
      await book.refuseCollisions(folding, unchecked());
      t.deepEqual([...book.refused.keys()].slice(before), expected);
    });
    await fc.assert(holds, { numRuns: runs(300) });
  });
}

test("the refusal names the first spelling, of the folder where it is one", async (t) => {
  const book = bookOf(["a/b", "A/c", "a/B/d"]);
  await book.refuseCollisions(FOLDS_ALL, unchecked());
  t.deepEqual(
    [...book.refused],
    [
      [1, "A/c and a are the same name in the target"],
      [2, "a/B/d and a/b are the same name in the target"],
    ],
  );
});

test.serial(
  "names far down cost what they are long, not what all paths through them are",
  async (t) => {
    const deep = "f/".repeat(1000);
    const book = bookOf([
      ...["", "F/"].flatMap((top) => [1, 2, 3].map((at) => `${top}${deep}${at}`)),
    ]);
    const { normalize } = String.prototype;
    t.teardown(() => {
      String.prototype.normalize = normalize;
    });
    let normalised = 0;
    String.prototype.normalize = function (form?: string) {
      normalised += this.length;
      return normalize.call(this, form);
    };
    await book.refuseCollisions(FOLDS_ALL, unchecked());
    // Twice each: before and after the letter case.
    t.true(normalised > 0 && normalised <= 2 * book.nameUnits, `${normalised}`);
    t.is(book.refused.size, 3);
  },
);

/** Names of one length that are the same to a caseless target. */
const SAME = Array.from({ length: 4096 }, (_, number) =>
  Array.from({ length: 12 }, (_, at) => ((number >> at) & 1 ? "A" : "a")).join(""),
);
const NAMES_A_TURN = Math.ceil(TURN_UNITS / (12 + ENTRY_UNITS));

test("others have their turn between so many names, and each refusal comes all the same", async (t) => {
  const book = bookOf(SAME);
  const seen: number[] = [];
  let othersTurns = 0;
  const turns = new Turns(() => {
    seen.push(book.refused.size);
    t.is(othersTurns, seen.length);
    setImmediate(() => othersTurns++);
  });
  setImmediate(() => othersTurns++);
  await book.refuseCollisions(FOLDS_ALL, turns);
  t.deepEqual(
    seen,
    Array.from({ length: Math.floor(SAME.length / NAMES_A_TURN) }, (_, turn) => {
      return (turn + 1) * NAMES_A_TURN - 1;
    }),
  );
  t.deepEqual([...book.refused.keys()], [...SAME.keys()].slice(1));
});

test("a transfer that ends in between is looked at no further", async (t) => {
  const book = bookOf(SAME);
  const turns = new Turns(() => {
    throw new Error("enough");
  });
  await t.throwsAsync(book.refuseCollisions(FOLDS_ALL, turns), { message: "enough" });
  t.is(book.refused.size, NAMES_A_TURN - 1);
});

test("a receiver that is stopped while it looks at names goes no further", async (t) => {
  const { sender, receiver } = memoryPair();
  const stop = new AbortController();
  const accept = () => {
    setImmediate(() => stop.abort(new Error("enough")));
    return true;
  };
  const options = { portable: true, accept, signal: stop.signal };
  const transfer = receiveFiles(receiver, await scratch(t), options);
  const raw = await RawSender.open(sender);
  raw.offer(SAME.map((path) => entry({ path, kind: KIND.folder, size: 0 })));
  await t.throwsAsync(transfer.done, { message: "enough" });
  const types: string[] = [];
  const reading = (async () => {
    for await (const { type } of transfer) types.push(type);
  })();
  await t.throwsAsync(reading, { message: "enough" });
  t.deepEqual(types, ["offer"]);
});
