import test from "ava";

import { absolute, relative } from "../../bench/row.ts";
import { median, sideBySide } from "../../bench/samples.ts";

const taken = (value: number) => ({ values: [value], value });

test("a figure below its floor or above its ceiling is missed, one on it is met", (t) => {
  const verdict = (value: number, bound: object) =>
    absolute({ figure: "f", unit: "MB/s", ours: taken(value) }, bound).verdict;
  t.is(verdict(600, { atLeast: 600 }), "met");
  t.is(verdict(599.9, { atLeast: 600 }), "missed");
  t.is(verdict(2, { atMost: 2 }), "met");
  t.is(verdict(2.1, { atMost: 2 }), "missed");
  t.is(verdict(Number.NaN, { atMost: 2 }), "missed");
});

test("a ratio is ours over the peer's", (t) => {
  const row = relative({ figure: "f", unit: "µs", ours: taken(30) }, "peer", taken(20), {
    atMost: 1.4,
  });
  t.is(row.ratio, 1.5);
  t.is(row.verdict, "missed");
});

test("a missing peer leaves our figure, says why, and is never a verdict", (t) => {
  const missing = { missing: "is not installed" };
  const row = relative({ figure: "f", unit: "s", ours: taken(3) }, "peer", missing, { atLeast: 1 });
  t.is(row.value, 3);
  t.is(row.verdict, "not measured");
  t.regex(row.note ?? "", /peer: is not installed/);
});

test("subjects take turns, and one that fails in a round has no figure", async (t) => {
  const turns: string[] = [];
  const outcomes = await sideBySide({
    good: async () => turns.push("good"),
    bad: async () => {
      if (turns.push("bad") > 2) throw new Error("gone");
      return 1;
    },
  });
  t.deepEqual(turns, ["good", "bad", "good", "bad", "good"]);
  t.deepEqual(outcomes.bad, { missing: "Error: gone" });
  t.deepEqual(outcomes.good, { values: [1, 3, 5], value: 3 });
});

test("the median of an even number of samples lies between the middle two", (t) => {
  t.is(median([4, 1, 2, 30]), 3);
});
