import test from "ava";
import fc from "fast-check";
import { RangeSet } from "../../src/base/ranges.ts";
import { runs } from "../support/runs.ts";

const MOST = 60;

/** Small numbers, so that ranges touch, overlap and swallow each other all the time. */
const CHANGE = fc.record({
  isRemoval: fc.boolean(),
  start: fc.nat({ max: MOST }),
  length: fc.nat({ max: 12 }),
});

test("a range set does what a set of numbers does, and tells how many changed", (t) => {
  const property = fc.property(fc.array(CHANGE, { maxLength: 60 }), (changes) => {
    const [ranges, reference] = [new RangeSet(), new Set<number>()];
    for (const { isRemoval, start, length } of changes) {
      const before = reference.size;
      for (let value = start; value < start + length; value++) {
        if (isRemoval) reference.delete(value);
        else reference.add(value);
      }
      const changed = isRemoval
        ? ranges.remove(start, start + length)
        : ranges.add(start, start + length);
      t.is(changed, Math.abs(reference.size - before));
      t.deepEqual(
        numbersOf(ranges),
        [...reference].sort((left, right) => left - right),
      );
    }
    t.is(ranges.total, reference.size);
    for (let value = 0; value <= MOST + 13; value++)
      t.is(ranges.has(value), reference.has(value), `${value}`);
  });
  fc.assert(property, { numRuns: runs(300) });
});

test("ranges are sorted, disjoint and never touch", (t) => {
  const property = fc.property(fc.array(CHANGE, { maxLength: 60 }), (changes) => {
    const ranges = setOf(changes);
    for (let index = 0; index < ranges.size; index++) {
      t.true(ranges.start(index) < ranges.end(index));
      if (index > 0) t.true(ranges.end(index - 1) < ranges.start(index));
    }
  });
  fc.assert(property, { numRuns: runs(200) });
});

test("a range is covered where each of its numbers is in the set", (t) => {
  const window = fc.tuple(fc.nat({ max: MOST }), fc.nat({ max: 12 }));
  const property = fc.property(
    fc.array(CHANGE, { maxLength: 30 }),
    window,
    (changes, [start, length]) => {
      const ranges = setOf(changes);
      const all = Array.from({ length }, (_, at) => ranges.has(start + at)).every(Boolean);
      t.is(ranges.covers(start, start + length), all);
    },
  );
  fc.assert(property, { numRuns: runs(300) });
});

test("keeping the highest ranges forgets the lowest ones only", (t) => {
  const ranges = new RangeSet();
  for (const start of [0, 10, 20, 30]) ranges.add(start, start + 5);
  ranges.keepHighest(2);
  t.deepEqual(numbersOf(ranges), [20, 21, 22, 23, 24, 30, 31, 32, 33, 34]);
  ranges.keepHighest(5);
  t.is(ranges.size, 2);
  ranges.clear();
  t.is(ranges.total, 0);
});

test("forgetting what ends below a number leaves the range whole that reaches it", (t) => {
  const ranges = new RangeSet();
  for (const start of [0, 10, 20]) ranges.add(start, start + 5);
  ranges.forgetBelow(15);
  t.deepEqual([ranges.size, ranges.start(0)], [2, 10]);
  ranges.forgetBelow(16);
  t.deepEqual([ranges.size, ranges.start(0)], [1, 20]);
});

test("numbers up to 2^53 - 1 are exact", (t) => {
  const ranges = new RangeSet();
  const most = Number.MAX_SAFE_INTEGER;
  ranges.add(most - 2, most);
  t.true(ranges.has(most - 1));
  t.false(ranges.has(most));
  t.is(ranges.total, 2);
});

function setOf(
  changes: readonly { isRemoval: boolean; start: number; length: number }[],
): RangeSet {
  const ranges = new RangeSet();
  for (const { isRemoval, start, length } of changes) {
    if (isRemoval) ranges.remove(start, start + length);
    else ranges.add(start, start + length);
  }
  return ranges;
}

function numbersOf(ranges: RangeSet): number[] {
  const numbers: number[] = [];
  for (let index = 0; index < ranges.size; index++) {
    for (let value = ranges.start(index); value < ranges.end(index); value++) numbers.push(value);
  }
  return numbers;
}
