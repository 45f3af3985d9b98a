/** Entries that a target could not keep apart are refused, at a cost that grows with their names alone. */
import test from "ava";
import fc from "fast-check";
import { type Folding, OfferBook } from "../../src/transfer/offer-book.ts";
import { KIND } from "../../src/transfer/records.ts";
import { runs } from "../support/runs.ts";
import { entry } from "./raw-sender.ts";

const FOLDS_ALL = { caseless: true, normalising: true };

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
  test(`a target that folds ${label} is offered no two spellings of one path or folder`, (t) => {
    const path = fc
      .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 })
      .map((names) => names.join("/"));
    const holds = fc.property(fc.uniqueArray(path, { maxLength: 12 }), (paths) => {
      const book = bookOf(paths);
      const before = book.refused.size;
      const expected = refusedByDefinition(book, fold);
      book.refuseCollisions(folding);
      t.deepEqual([...book.refused.keys()].slice(before), expected);
    });
    fc.assert(holds, { numRuns: runs(300) });
  });
}

test("the refusal names the first spelling, of the folder where it is one", (t) => {
  const book = bookOf(["a/b", "A/c", "a/B/d"]);
  book.refuseCollisions(FOLDS_ALL);
  t.deepEqual(
    [...book.refused],
    [
      [1, "A/c and a are the same name in the target"],
      [2, "a/B/d and a/b are the same name in the target"],
    ],
  );
});

test.serial("names far down cost what they are long, not what all paths through them are", (t) => {
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
  book.refuseCollisions(FOLDS_ALL);
  // Twice each: before and after the letter case.
  t.true(normalised > 0 && normalised <= 2 * book.nameUnits, `${normalised}`);
  t.is(book.refused.size, 3);
});
