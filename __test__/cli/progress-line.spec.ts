import test from "ava";
import fc from "fast-check";
import stringWidth from "string-width";
import {
  type ProgressState,
  progressLine,
  progressText,
  truncate,
} from "../../src/cli/progress-line.ts";

const STATE = {
  peer: "k",
  bytes: 5_300_000_000,
  confirmed: 5_220_000_000,
  total: 8_420_000_000,
  files: 741,
  filesTotal: 1204,
  rate: 112_000_000,
  etaSeconds: 28.6,
  path: "direct",
  rttMs: 0.42,
  stalledSeconds: 0,
  others: 0,
} satisfies ProgressState;

test("the line names share, amounts, rate, time left, files, path and round trip", (t) => {
  t.is(
    progressText(STATE),
    "61%  5.22 GB of 8.42 GB  112 MB/s  ETA 0:29  741/1204 files  direct 0.4 ms",
  );
});

test("what counts is what the peer confirmed", (t) => {
  t.true(progressText({ ...STATE, bytes: STATE.total }).startsWith("61%"));
  t.true(progressText({ ...STATE, confirmed: STATE.total - 1 }).startsWith("99%"));
  t.true(progressText({ ...STATE, confirmed: STATE.total }).startsWith("100%"));
});

test("of what is live nobody knows how much will come", (t) => {
  const live = { ...STATE, total: null, etaSeconds: null, files: 0, filesTotal: 0 };
  t.is(progressText(live), "5.22 GB  112 MB/s  direct 0.4 ms");
  t.is(progressLine(live, 120), progressText(live), "and so no bar");
});

test("nothing to send is complete", (t) => {
  t.true(progressText({ ...STATE, confirmed: 0, total: 0 }).startsWith("100%"));
});

test("a stall is named instead of a rate", (t) => {
  const text = progressText({ ...STATE, stalledSeconds: 12 });
  t.true(text.includes("no answer for 0:12"));
  t.false(text.includes("MB/s"));
  t.false(text.includes("ETA"));
  const live = progressText({ ...STATE, stalledSeconds: 12, total: null, etaSeconds: null });
  t.true(live.includes("nothing new for 0:12"), "of what is live the maker pauses");
});

test("transfers besides the one shown are counted", (t) => {
  t.true(progressText({ ...STATE, others: 2 }).endsWith("(+2 more)"));
});

test("no line is wider than the terminal", (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), fc.nat(100), (columns, percent) => {
      const state = { ...STATE, total: 100, confirmed: percent };
      t.true(stringWidth(progressLine(state, columns)) <= columns);
    }),
    { seed: 1 },
  );
});

test("a bar appears where there is room, and is full at the end only", (t) => {
  t.regex(progressLine(STATE, 120), /^━+╸?─+ /);
  t.regex(progressLine({ ...STATE, confirmed: STATE.total }, 120), /^━+ {2}/);
  t.notRegex(progressLine(STATE, 70), /[━─]/);
});

test("text is cut between characters, wide and joined ones too", (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("a", "写", "👩‍🚀", "e\u0301", "ß")),
      fc.integer({ min: 0, max: 30 }),
      (letters, columns) => {
        const text = letters.join("");
        const cut = truncate(text, columns);
        t.true(stringWidth(cut) <= columns);
        if (cut === text) return;
        const kept = cut.replace(/…$/, "");
        t.true(
          letters.some((_, at) => letters.slice(0, at).join("") === kept),
          kept,
        );
      },
    ),
    { seed: 1 },
  );
});
