/** The parts of the filter that need a clock, with time as an argument. */
import test from "ava";
import { loadPrimitives } from "../../src/backend/fallback/primitives.ts";
import { SourceBuckets } from "../../src/backend/fallback/source-buckets.ts";
import { StrangerSorter } from "../../src/backend/fallback/stranger-filter.ts";
import type { StrangerFilter } from "../../src/backend/port.ts";
import { init, openCookie } from "../conformance/packets.ts";

const { primitives } = await loadPrimitives();
const ME = { mac1Key: new Uint8Array(32).fill(1), cookieKey: new Uint8Array(32).fill(2) };
const INIT = init(ME);
const HOME = "192.0.2.1:5000";
const FILTER: StrangerFilter = {
  addressees: [ME],
  initsPerSecond: 100,
  initsPerSourcePerSecond: 10,
  initsPerSourceBurst: 3,
  announcementsPerSecond: 200,
};

function sorter(filter: Partial<StrangerFilter> = {}): StrangerSorter {
  const made = new StrangerSorter(primitives);
  made.setFilter({ ...FILTER, ...filter });
  return made;
}

function verdicts(
  sorting: StrangerSorter,
  source: string,
  nowMs: number,
  times: number,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let index = 0; index < times; index++) {
    const verdict = sorting.sort(INIT, source, nowMs);
    counts[verdict] = (counts[verdict] ?? 0) + 1;
  }
  return counts;
}

function cookieFor(sorting: StrangerSorter, source: string, nowMs: number): Uint8Array {
  while (sorting.sort(INIT, source, nowMs) === "pass");
  return openCookie(sorting.answer, ME.cookieKey, INIT);
}

test("a source has its burst, then its rate", (t) => {
  const sorting = sorter();
  t.deepEqual(verdicts(sorting, HOME, 0, 5), { pass: 3, cookie: 2 });
  t.deepEqual(verdicts(sorting, HOME, 99, 1), { cookie: 1 });
  t.deepEqual(verdicts(sorting, HOME, 100, 2), { pass: 1, cookie: 1 });
  t.deepEqual(verdicts(sorting, HOME, 60_000, 5), { pass: 3, cookie: 2 });
});

test("an IPv4 address is one source over all its ports, and so is an IPv6 /64", (t) => {
  const sorting = sorter();
  t.deepEqual(verdicts(sorting, HOME, 0, 3), { pass: 3 });
  t.deepEqual(verdicts(sorting, "192.0.2.1:6000", 0, 1), { cookie: 1 });
  t.deepEqual(verdicts(sorting, "192.0.2.2:5000", 0, 1), { pass: 1 });
  t.deepEqual(verdicts(sorting, "[2001:db8::1]:5000", 0, 3), { pass: 3 });
  t.deepEqual(verdicts(sorting, "[2001:db8::ffff:1]:5000", 0, 1), { cookie: 1 });
  t.deepEqual(verdicts(sorting, "[2001:db8:0:1::1]:5000", 0, 1), { pass: 1 });
});

test("once the common rate is used up, everyone needs a cookie until five calm seconds later", (t) => {
  const sorting = sorter();
  for (let source = 0; source < 100; source++) sorting.sort(INIT, `192.0.2.${source}:1`, 0);
  t.is(sorting.sort(INIT, "198.51.100.1:1", 0), "cookie");
  t.is(sorting.sort(INIT, "198.51.100.2:1", 4_999), "cookie");
  t.is(sorting.sort(INIT, "198.51.100.3:1", 5_000), "pass");
});

test("one source over its rate does not use up the common rate", (t) => {
  const sorting = sorter({ initsPerSecond: 5 });
  t.deepEqual(verdicts(sorting, HOME, 0, 500), { pass: 3, cookie: 497 });
  t.deepEqual(verdicts(sorting, "192.0.2.2:1", 0, 2), { pass: 2 });
});

test("who speaks to a group is told apart by interface: rate and cookie hold for one", (t) => {
  const sorting = sorter({ initsPerSourceBurst: 1, initsPerSourcePerSecond: 0.001 });
  for (const by of ["", "eth0", "eth1"]) t.is(sorting.sort(INIT, HOME, 0, by), "pass", by);
  t.is(sorting.sort(INIT, HOME, 0, "eth0"), "cookie");
  const proved = init({ ...ME, cookie: openCookie(sorting.answer, ME.cookieKey, INIT) });
  for (const by of ["", "eth1"]) t.is(sorting.sort(proved, HOME, 0, by), "cookie", by);
  t.is(sorting.sort(proved, HOME, 0, "eth0"), "pass");
});

test("a cookie holds for the life of its secret and of the next one", (t) => {
  const sorting = sorter({ initsPerSourceBurst: 0 });
  const cookie = cookieFor(sorting, HOME, 0);
  const proved = init({ ...ME, cookie });
  t.is(sorting.sort(proved, HOME, 0), "pass");
  t.is(sorting.sort(proved, HOME, 119_999), "pass");
  t.is(sorting.sort(proved, HOME, 120_000), "pass");
  t.is(sorting.sort(proved, HOME, 239_999), "pass");
  t.is(sorting.sort(proved, HOME, 240_000), "cookie");
});

test("a cookie of before a long silence is worth nothing after it", (t) => {
  const sorting = sorter({ initsPerSourceBurst: 0 });
  const proved = init({ ...ME, cookie: cookieFor(sorting, HOME, 0) });
  t.is(sorting.sort(proved, HOME, 250_000), "cookie");
});

test("a proved source has twenty a second of its own, whatever the others do", (t) => {
  const sorting = sorter({ initsPerSourceBurst: 0, initsPerSecond: 0 });
  const proved = init({ ...ME, cookie: cookieFor(sorting, HOME, 0) });
  const sorted = Array.from({ length: 25 }, () => sorting.sort(proved, HOME, 0));
  t.is(sorted.filter((verdict) => verdict === "pass").length, 20);
  t.is(sorted.filter((verdict) => verdict === "droppedLimited").length, 5);
  t.is(sorting.sort(proved, HOME, 50), "pass");
});

test("no more than a thousand cookies a second are given out", (t) => {
  const sorting = sorter({ initsPerSourceBurst: 0 });
  t.deepEqual(verdicts(sorting, HOME, 0, 1_003), { cookie: 1_000, droppedLimited: 3 });
  t.is(sorting.sort(INIT, HOME, 1), "cookie");
});

test("every bit of an INIT but those of mac2 decides whether it reaches anyone", (t) => {
  const sorting = sorter({ initsPerSourceBurst: 10_000, initsPerSecond: 10_000 });
  for (let bit = 0; bit < 384 * 8; bit += 5) {
    const changed = INIT.slice();
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    const expected = bit < 8 ? "droppedMalformed" : bit < 368 * 8 ? "droppedStrangers" : "pass";
    t.is(sorting.sort(changed, HOME, 0), expected, `bit ${bit}`);
  }
});

function announced(sorting: StrangerSorter, source: string, nowMs: number, times: number): number {
  const sorted = Array.from({ length: times }, () =>
    sorting.sort(new Uint8Array(40).fill(0x58), source, nowMs, "eth0"),
  );
  return sorted.filter((verdict) => verdict === "pass").length;
}

test("one address that announces without end leaves the others heard", (t) => {
  const sorting = sorter({ announcementsPerSecond: 30 });
  t.is(announced(sorting, HOME, 0, 500), 3);
  t.is(announced(sorting, "192.0.2.1:6000", 0, 1), 0, "another port");
  t.is(announced(sorting, "192.0.2.2:5000", 0, 3), 3, "another host");
  t.is(sorting.sort(new Uint8Array(40).fill(0x58), HOME, 0, "eth1"), "pass", "another interface");
  t.is(announced(sorting, HOME, 1_000, 9), 3, "a second later");
});

test("neighbours of one IPv6 network announce each at its own rate", (t) => {
  const sorting = sorter({ announcementsPerSecond: 30 });
  t.is(announced(sorting, "[fe80::1%eth0]:6727", 0, 500), 3);
  t.is(announced(sorting, "[fe80::2%eth0]:6727", 0, 1), 1);
});

test("announcements from addresses without end keep to the common rate", (t) => {
  const sorting = sorter({ announcementsPerSecond: 30 });
  const passed = (nowMs: number) =>
    Array.from({ length: 100 }, (_, host) =>
      announced(sorting, `192.0.2.${host}:1`, nowMs, 1),
    ).filter((count) => count === 1).length;
  t.is(passed(0), 30);
  t.is(passed(700), 21);
});

test("where the common rate is low each address still has an announcement", (t) => {
  const sorting = sorter({ announcementsPerSecond: 2 });
  const passed = [1, 2, 3].map((host) => announced(sorting, `192.0.2.${host}:1`, 0, 5));
  t.deepEqual(passed, [1, 1, 0]);
});

test("only the sources heard of last are remembered", (t) => {
  const buckets = new SourceBuckets(0, 1, 100);
  t.true(buckets.of("first").take(0));
  for (let source = 0; source < 99; source++) buckets.of(`source ${source}`);
  t.false(buckets.of("first").take(0), "still known");
  for (let source = 0; source < 100; source++) buckets.of(`another ${source}`);
  t.is(buckets.size, 100);
  t.true(buckets.of("first").take(0), "forgotten");
});
