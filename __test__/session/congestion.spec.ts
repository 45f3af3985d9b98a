import test from "ava";
import type { LinkOptions } from "../sim/link.ts";
import { Receiver, Sender } from "../sim/transfer.ts";
import { type Pair, World } from "../sim/world.ts";

const SOAK = process.env.MP2P_SOAK === "1";
const SEEDS: readonly number[] = SOAK ? [1, 2, 3, 4, 5] : [1];
/** 100 Mbit/s, 50 ms, a queue of 250 kB. */
const WAN: LinkOptions = { bitsPerSecond: 100e6, delayMs: 25, queueBytes: 250_000 };

function begin(world: World, pair: Pair): Receiver {
  const receiver = new Receiver(pair.server);
  const sender = new Sender(pair.client, world.clock, Infinity);
  pair.client.onEvent = (event) => event.kind === "writable" && sender.write();
  pair.server.onEvent = (event) => event.kind === "readable" && receiver.read(event.stream);
  sender.write();
  pair.client.pump();
  return receiver;
}

/** Share of the wire's bits that were stream bytes at the receiver, start-up included. */
function goodput(
  seed: number,
  link: LinkOptions,
  seconds: number,
  congestion: "rate" | "cubic" = "rate",
): number {
  const world = new World(seed);
  const pair = world.pair(world.link(link), world.link({ ...link, loss: 0 }), {
    config: { congestion },
  });
  const receiver = begin(world, pair);
  world.clock.run(seconds * 1000);
  return (receiver.total * 8) / seconds / (link.bitsPerSecond as number);
}

test("a clean path is filled by either controller", (t) => {
  for (const seed of SEEDS) {
    for (const congestion of ["rate", "cubic"] as const) {
      const share = goodput(seed, WAN, 10, congestion);
      t.true(share >= 0.9, `${congestion}, seed ${seed}: ${share}`);
    }
  }
});

test("one packet in a hundred lost leaves more than four fifths", (t) => {
  for (const seed of SEEDS) {
    const share = goodput(seed, { ...WAN, loss: 0.01 }, 15);
    t.true(share >= 0.8, `seed ${seed}: ${share}`);
  }
});

test("two sessions share a path within 35 to 65, also where one came first", (t) => {
  for (const seed of SEEDS) {
    for (const laterMs of [0, 3000]) {
      const world = new World(seed);
      const [there, back] = [world.link(WAN), world.link(WAN)];
      const first = begin(world, world.pair(there, back));
      world.clock.run(laterMs);
      const second = begin(world, world.pair(there, back));
      world.clock.run(laterMs + 8000);
      const before = [first.total, second.total] as const;
      world.clock.run(laterMs + 28_000);
      const gained = [first.total - before[0], second.total - before[1]] as const;
      const share = gained[0] / (gained[0] + gained[1]);
      t.true(share >= 0.35 && share <= 0.65, `seed ${seed}, ${laterMs} ms: ${share}`);
      t.true(((gained[0] + gained[1]) * 8) / 20 / 100e6 >= 0.88, "the path is full");
    }
  }
});

/** Profiles on which the same controller, with the same constants, has to do well. */
const PROFILES: Record<
  string,
  { readonly link: LinkOptions; readonly seconds: number; readonly least: number }
> = {
  "a clean LAN": {
    link: { bitsPerSecond: 1e9, delayMs: 0.15, queueBytes: 500_000 },
    seconds: 1,
    least: 0.85,
  },
  "half a percent lost": { link: { ...WAN, loss: 0.005 }, seconds: 10, least: 0.84 },
  "100 ms": { link: { ...WAN, delayMs: 50 }, seconds: 20, least: 0.86 },
  "one packet in twenty out of order": {
    link: { ...WAN, reorder: 0.05, reorderMs: 8 },
    seconds: 10,
    least: 0.86,
  },
  "a bloated buffer": {
    link: { bitsPerSecond: 20e6, delayMs: 10, queueBytes: 2_000_000 },
    seconds: 10,
    least: 0.88,
  },
};

for (const [name, { link, seconds, least }] of Object.entries(PROFILES)) {
  test(`${name}: the rate controller uses the path`, (t) => {
    for (const seed of SEEDS) {
      const share = goodput(seed, link, seconds);
      t.true(share >= least, `seed ${seed}: ${share}`);
    }
  });
}

test("a bloated buffer is not filled", (t) => {
  const world = new World(1);
  const link: LinkOptions = { bitsPerSecond: 20e6, delayMs: 10, queueBytes: 2_000_000 };
  const pair = world.pair(world.link(link), world.link(link));
  begin(world, pair);
  world.clock.run(5000);
  let worst = 0;
  for (let at = 5000; at <= 9000; at += 50) {
    world.clock.run(at);
    worst = Math.max(worst, pair.client.engine.stats().rttMs);
  }
  t.true(worst < 60, `${worst} ms where the queue could hold 800`);
});

test("on one machine, too, a small receive buffer is not flooded", (t) => {
  const world = new World(1);
  const link = { bitsPerSecond: 3e9, delayMs: 0.05, queueBytes: 200_000 };
  const properties = { loopback: true, ipv6: false };
  const pair = world.pair(world.link(link), world.link(link), { properties });
  const receiver = begin(world, pair);
  world.clock.run(1000);
  const lost = 1 - receiver.total / pair.client.engine.stats().bytesSent;
  t.true(lost < 0.2, `${lost}`);
  t.true(receiver.total > 0.8 * (link.bitsPerSecond / 8), `${receiver.total}`);
});
