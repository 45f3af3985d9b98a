import test from "ava";
import fc from "fast-check";
import { GroupRate } from "../../../src/multicast/group/rate.ts";

const RATE = 1_250_000;
const BURST_MS = 12_000 / (RATE / 1000);

test("a full burst leaves when its time has come, though whoever asks when reads the clock later", (t) => {
  const ms = (max: number) => fc.double({ min: 0.001, max, noNaN: true });
  fc.assert(
    fc.property(ms(5), ms(5), (turnMs, aheadMs) => {
      const rate = new GroupRate(RATE);
      rate.available(0);
      rate.spend(12_000, 0);
      let now = 0;
      for (; now < BURST_MS + 2 * turnMs + aheadMs; now += turnMs) {
        rate.readyAt(1e6, now + aheadMs);
        if (rate.readyAt(1e6, now) <= now) break;
      }
      t.true(now >= BURST_MS - turnMs - aheadMs, "not before");
      t.true(rate.readyAt(1e6, now) <= now, "but then");
    }),
  );
});
