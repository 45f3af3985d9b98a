import test from "ava";
import fc from "fast-check";
import { RecentMap } from "../../src/base/recent-map.ts";

test("a recent map holds the entries set last, in the order of setting", (t) => {
  const names = fc.array(fc.nat({ max: 9 }), { maxLength: 60 });
  const property = fc.property(fc.integer({ min: 1, max: 8 }), names, (most, set) => {
    const map = new RecentMap<number, number>(most);
    for (const [at, name] of set.entries()) map.set(name, at);
    const expected = set
      .map((name, at) => [name, at] as const)
      .filter(([name, at]) => set.lastIndexOf(name) === at)
      .slice(-most);
    t.deepEqual([...map], expected);
  });
  fc.assert(property);
});

test("looking an entry up does not make it more recent", (t) => {
  const map = new RecentMap<string, number>(2).set("one", 1).set("two", 2);
  t.is(map.get("one"), 1);
  map.set("three", 3);
  t.deepEqual([...map.keys()], ["two", "three"]);
});
