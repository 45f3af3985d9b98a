import test from "ava";
import type { LinkOptions } from "../sim/link.ts";
import { Random } from "../sim/random.ts";
import { Scenario } from "../sim/scenario.ts";

const SEEDS = process.env.MP2P_SOAK === "1" ? 1000 : 25;

function pick<T>(random: Random, ...choices: readonly T[]): T {
  return choices[random.below(choices.length)] as T;
}

/** A link with anything from nothing to everything wrong with it. */
function randomLink(random: Random): LinkOptions {
  return {
    delayMs: pick(random, 0.1, 2, 20, 80),
    bitsPerSecond: pick(random, 2e6, 20e6, 100e6, 1e9),
    queueBytes: pick(random, 30_000, 250_000, 2_000_000),
    loss: pick(random, 0, 0.001, 0.01, 0.1, 0.3),
    duplicate: pick(random, 0, 0.01, 0.1),
    reorder: pick(random, 0, 0.05, 0.3),
    reorderMs: pick(random, 1, 10, 100),
    mtuBytes: pick(random, 1200, 1300, 1452, 1472, 9000),
  };
}

function faulty(seed: number): Scenario {
  const random = new Random(seed);
  const congestion = pick(random, "rate", "rate", "cubic");
  const scenario = new Scenario(seed, randomLink(random), randomLink(random), {
    config: { congestion },
  });
  for (const peer of [scenario.pair.client, scenario.pair.server]) {
    peer.socket.faults = {
      fullEvery: pick(random, 0, 1, 3, 7),
      tooBigEvery: pick(random, 0, 0, 5, 11),
    };
  }
  const streams = 1 + random.below(6);
  for (let index = 0; index < streams; index++) {
    const from = pick(random, "client", "server");
    scenario.send(from, pick(random, 0, 1, 1000, 50_000, 400_000), {
      priority: random.below(3),
      unidirectional: random.chance(0.5),
    });
  }
  const { clock } = scenario.world;
  if (random.chance(0.5))
    clock.after(random.below(2000), () => scenario.pair.rekey(pick(random, "client", "server")));
  if (random.chance(0.3)) {
    const from = random.below(1000);
    for (const link of pick(
      random,
      [scenario.there],
      [scenario.back],
      [scenario.there, scenario.back],
    )) {
      clock.after(from, () => (link.down = true));
      clock.after(from + random.below(8000), () => (link.down = false));
    }
  }
  if (random.chance(0.3))
    clock.after(
      random.below(1000),
      () => (scenario.pair.client.blockedUntil = clock.now + random.below(3000)),
    );
  return scenario;
}

test("whatever the network and the socket do, every byte arrives once and in order", (t) => {
  const first = Number(process.env.MP2P_SEED ?? 1);
  for (let seed = first; seed < first + SEEDS; seed++) {
    const scenario = faulty(seed);
    let failure = "";
    try {
      if (!scenario.run(300)) failure = "is not done";
    } catch (error) {
      failure = String(error);
    }
    if (failure !== "")
      t.fail(
        `seed ${seed}: ${failure} at ${scenario.world.clock.now} ms; ${scenario.log.slice(-12).join(", ")}`,
      );
  }
  t.pass();
});
