/** Calls go to threads where they are slow, and not where the processor is merely busy. */
import test from "ava";
import { CallPace } from "../../src/transfer/call-pace.ts";

const BLOCK = 180_000;

/** Calls until the next one is to go to a thread; Infinity for none of a thousand. */
function quickCalls(pace: CallPace, ms: (call: number) => number, bytes: number): number {
  for (let call = 0; call < 1000; call++) {
    if (pace.next()) return call;
    pace.took(ms(call), bytes);
  }
  return Number.POSITIVE_INFINITY;
}

const cases = [
  { what: "microseconds", ms: () => 0.02, bytes: 0, isQuick: true },
  { what: "microseconds, interrupted", ms: rarely(0.02, 10, 100), bytes: 0, isQuick: true },
  { what: "blocks into memory, interrupted", ms: rarely(0.2, 20, 10), bytes: BLOCK, isQuick: true },
  { what: "a cold disk", ms: rarely(0.05, 8, 5), bytes: 0, isQuick: false },
  { what: "a network file system", ms: () => 1.2, bytes: 0, isQuick: false },
  { what: "blocks to a disk of 90 MB/s", ms: () => 2, bytes: BLOCK, isQuick: false },
];

for (const { what, ms, bytes, isQuick } of cases) {
  test(`${what}: ${isQuick ? "at once" : "by threads"}`, (t) => {
    const calls = quickCalls(new CallPace(), ms, bytes);
    t.is(calls === Number.POSITIVE_INFINITY, isQuick, `${calls} calls`);
  });
}

test("after 512 calls by threads one is tried again", (t) => {
  const pace = new CallPace();
  quickCalls(pace, () => 5, 0);
  for (let call = 1; call < 512; call++) t.true(pace.next());
  t.is(
    quickCalls(pace, () => 0.02, 0),
    Number.POSITIVE_INFINITY,
  );
});

/** One call of `often` takes long. */
function rarely(ms: number, longMs: number, often: number): (call: number) => number {
  return (call) => (call % often === often - 1 ? longMs : ms);
}
