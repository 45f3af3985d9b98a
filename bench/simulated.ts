/** What share of a simulated link does one stream get, and how do two sessions share it? */
import type { Link, LinkOptions } from "../__test__/sim/link.ts";
import { Receiver, Sender } from "../__test__/sim/transfer.ts";
import { World } from "../__test__/sim/world.ts";
import { absolute, type Row } from "./row.ts";
import { sideBySide } from "./samples.ts";
import type { Subject } from "./subject.ts";

const LINK = { bitsPerSecond: 100e6, delayMs: 25, queueBytes: 250_000 } as const;
const LOSS = 0.01;
const SECONDS = 20;
/** Two flows begin a second apart; their shares count once both have found the link. */
const SECOND_STARTS_MS = 1000;
const SHARING_FROM_SECONDS = 10;
const SEEDS = [1, 2, 3] as const;

export const simulated: Subject = {
  name: "simulated",
  question: "Simulated 100 Mbit/s, 50 ms round trip, 250 kB queue, in virtual time, three seeds",
  async run(): Promise<Row[]> {
    const seeded = (take: (seed: number) => number): (() => Promise<number>) => {
      let round = 0;
      return async () => take(SEEDS[round++ % SEEDS.length] ?? 1);
    };
    const outcomes = await sideBySide({
      clean: seeded((seed) => alone(seed, LINK)),
      lossy: seeded((seed) => alone(seed, { ...LINK, loss: LOSS })),
      sharing: seeded(smallerShare),
    });
    const row = (figure: string, name: keyof typeof outcomes, atLeast: number): Row =>
      absolute({ figure, unit: "%", ours: outcomes[name] }, { atLeast });
    return [
      row("simulated link, no loss", "clean", 90),
      row("simulated link, 1 % loss", "lossy", 80),
      row("simulated link, smaller of two flows", "sharing", 35),
    ];
  },
};

/** Percent of the wire's bits that were stream bytes at the receiver. */
function alone(seed: number, there: LinkOptions): number {
  const world = new World(seed);
  const flow = begin(world, world.link(there), world.link(LINK));
  world.clock.run(SECONDS * 1000);
  return ((flow.total * 8) / SECONDS / LINK.bitsPerSecond) * 100;
}

/** Percent that the slower of two sessions over one link has of what both receive. */
function smallerShare(seed: number): number {
  const world = new World(seed);
  const [there, back] = [world.link(LINK), world.link(LINK)];
  const first = begin(world, there, back);
  world.clock.run(SECOND_STARTS_MS);
  const second = begin(world, there, back);
  world.clock.run(SHARING_FROM_SECONDS * 1000);
  const [firstHad, secondHad] = [first.total, second.total];
  world.clock.run((SHARING_FROM_SECONDS + SECONDS) * 1000);
  const shares = [first.total - firstHad, second.total - secondHad];
  return (Math.min(...shares) / shares.reduce((sum, share) => sum + share)) * 100;
}

/** An endless stream of a session of its own. */
function begin(world: World, there: Link, back: Link): Receiver {
  const { client, server } = world.pair(there, back);
  const receiver = new Receiver(server);
  const sender = new Sender(client, world.clock, Number.POSITIVE_INFINITY);
  client.onEvent = (event) => event.kind === "writable" && sender.write();
  server.onEvent = (event) => event.kind === "readable" && receiver.read(event.stream);
  sender.write();
  client.pump();
  return receiver;
}
