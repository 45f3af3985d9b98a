import test from "ava";
import fc from "fast-check";
import { Deadlines } from "../../src/endpoint/deadlines.ts";
import { runs } from "../support/runs.ts";

interface Item {
  readonly name: number;
  deadline: number;
}

test("whatever is set, moved and forgotten, next() is the earliest deadline there is and due() its item", (t) => {
  const step = fc.record({
    item: fc.nat(7),
    at: fc.option(fc.nat(50), { nil: undefined }),
    now: fc.nat(50),
  });
  const property = fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    const deadlines = new Deadlines<Item>();
    const items: Item[] = Array.from({ length: 8 }, (_, name) => ({ name, deadline: Infinity }));
    const scheduled = new Set<Item>();
    const earliest = () => Math.min(Infinity, ...[...scheduled].map(({ deadline }) => deadline));
    for (const { item: index, at, now } of steps) {
      const item = items[index] as Item;
      if (at === undefined) {
        deadlines.forget(item);
        scheduled.delete(item);
      } else {
        item.deadline = at;
        deadlines.schedule(item);
        scheduled.add(item);
      }
      t.is(deadlines.next(), earliest());
      for (let due = deadlines.due(now); due !== undefined; due = deadlines.due(now)) {
        t.true(scheduled.delete(due), `item ${due.name} is due once`);
        t.true(due.deadline <= now);
      }
      t.true(earliest() > now);
    }
  });
  t.notThrows(() => fc.assert(property, { numRuns: runs(300) }));
});
