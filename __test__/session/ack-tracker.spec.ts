/** How long packets stay in ACKs, any of which may be lost. */
import test from "ava";
import { RangeSet } from "../../src/base/ranges.ts";
import { AckTracker } from "../../src/session/ack-tracker.ts";

const ACKS = 1000;
/** Of ten numbers, one is left out. */
const STEP = 10;

interface Said {
  readonly at: number;
  readonly ranges: number;
  readonly packets: RangeSet;
}

/** An ACK a millisecond, each of packets that just came. */
function acknowledge(rttMs: number): Said[] {
  const tracker = new AckTracker();
  const said: Said[] = [];
  for (let at = 0; at < ACKS; at++) {
    tracker.record(at * STEP, STEP - 1, true, false, 0, rttMs, at);
    const packets = new RangeSet();
    for (let index = 0; index < tracker.received.size; index++)
      packets.add(tracker.received.start(index), tracker.received.end(index));
    said.push({ at, ranges: packets.size, packets });
    tracker.written(at, rttMs);
  }
  return said;
}

for (const [rttMs, acks] of [
  [1, 8],
  [20, 40],
] as const) {
  test(`with a round trip of ${rttMs} ms a packet is in ${acks} ACKs at least, and not in many more`, (t) => {
    const said = acknowledge(rttMs);
    for (let at = 0; at + acks < ACKS; at++) {
      const after = said.slice(at, at + acks);
      t.true(after.every(({ packets }) => packets.has(at * STEP)));
    }
    const most = Math.max(...said.map(({ ranges }) => ranges));
    t.true(most > acks && most <= 2 * acks + 1, `${most}`);
  });
}

test("a packet that comes late is said even where its neighbours are no longer", (t) => {
  const tracker = new AckTracker();
  for (let at = 1; at < 100; at++) {
    tracker.record(at * STEP, STEP - 1, true, false, 0, 1, at);
    tracker.written(at, 1);
  }
  t.false(tracker.received.has(STEP));
  tracker.record(3, 1, true, false, 0, 1, 100);
  t.true(tracker.received.has(3));
  t.is(tracker.dueAt, 100, "at once");
});
