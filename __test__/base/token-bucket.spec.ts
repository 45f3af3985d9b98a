import test from "ava";
import fc from "fast-check";
import { TokenBucket } from "../../src/base/token-bucket.ts";

test("a token bucket gives its burst at once, and from then on its rate", (t) => {
  const bucket = new TokenBucket(50, 3);
  const taken = (nowMs: number) => [1, 2, 3, 4].filter(() => bucket.take(nowMs)).length;
  t.is(taken(1_000_000), 3, "full, whenever it is asked first");
  t.is(taken(1_000_019), 0);
  t.is(taken(1_000_020), 1, "parts of a token are kept");
  t.is(taken(9_000_000), 3, "no more than the burst is saved up");
});

test("asking whether there is a token takes none", (t) => {
  const bucket = new TokenBucket(0, 1);
  t.true(bucket.holdsOne(0));
  t.true(bucket.take(0));
  t.false(bucket.holdsOne(1e9));
});

test("no stretch of time yields more than burst and rate, even when the clock goes back", (t) => {
  const steps = fc.array(fc.integer({ min: -100, max: 1000 }), { maxLength: 100 });
  const property = fc.property(fc.nat({ max: 1000 }), fc.integer(), steps, (rate, at, gaps) => {
    const bucket = new TokenBucket(rate);
    let now = at;
    let forward = 0;
    let taken = 0;
    for (const gap of gaps) {
      now += gap;
      forward += Math.max(0, gap);
      while (bucket.take(now)) taken++;
    }
    t.true(taken <= rate + (forward * rate) / 1000, `${taken}`);
  });
  fc.assert(property);
});
