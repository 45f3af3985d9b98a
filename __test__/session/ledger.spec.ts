import test from "ava";
import fc from "fast-check";
import { type Burst, Ledger, SentRun } from "../../src/session/ledger.ts";

const RUNS = process.env.MP2P_SOAK === "1" ? 20_000 : 500;
const BURST = {} as Burst;
const PAYLOAD = 10;

type Step =
  | { readonly kind: "append"; readonly skip: number; readonly count: number }
  | { readonly kind: "take"; readonly start: number; readonly length: number }
  | { readonly kind: "sweep"; readonly before: number; readonly every: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("append" as const),
    skip: fc.nat(2),
    count: fc.integer({ min: 1, max: 90 }),
  }),
  fc.record({ kind: fc.constant("take" as const), start: fc.nat(3000), length: fc.nat(120) }),
  fc.record({
    kind: fc.constant("sweep" as const),
    before: fc.nat(3000),
    every: fc.integer({ min: 1, max: 3 }),
  }),
);

/** A ledger beside the plainest model of it: the set of packets, each with its stream offset. */
class Model {
  readonly ledger = new Ledger();
  readonly packets = new Map<number, number>();
  next = 0;

  append(skip: number, count: number): void {
    this.next += skip;
    const run = new SentRun(BURST, count, 52, 52);
    run.packet = this.next;
    run.sequence = this.next;
    run.offset = this.next * PAYLOAD;
    run.length = count * PAYLOAD;
    run.payload = PAYLOAD;
    this.ledger.append(run);
    for (let each = 0; each < count; each++)
      this.packets.set(this.next + each, (this.next + each) * PAYLOAD);
    this.next += count;
  }

  /** Removes from the model what the ledger handed over. @returns whether it was right about each packet */
  forget(run: SentRun): boolean {
    let right = run.length === run.count * PAYLOAD && run.sequence === run.packet;
    for (let each = 0; each < run.count; each++) {
      const packet = run.packet + each;
      right &&= this.packets.get(packet) === run.offset + each * PAYLOAD;
      this.packets.delete(packet);
    }
    return right;
  }
}

test("whatever is acknowledged and lost, each packet leaves the ledger once, with its own bytes", (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const model = new Model();
      for (const each of steps) {
        if (each.kind === "append") model.append(each.skip, each.count);
        else if (each.kind === "take") {
          const end = each.start + each.length;
          model.ledger.take(each.start, end, (run) => t.true(model.forget(run)));
          for (const packet of model.packets.keys()) t.false(packet >= each.start && packet < end);
        } else {
          model.ledger.sweep(
            (run) =>
              run.packet >= each.before
                ? -1
                : run.packet % each.every === 0
                  ? Math.min(run.count, 5)
                  : 0,
            (run) => t.true(model.forget(run)),
          );
        }
      }
      model.ledger.sweep(
        (run) => run.count,
        (run) => t.true(model.forget(run)),
      );
      t.is(model.packets.size, 0);
      t.is(model.ledger.size, 0);
    }),
    { numRuns: RUNS },
  );
});
