/** Packet numbers made up by members of a cast, and packets that anybody recorded: they stand in nobody's way. */

import test from "ava";
import type { CastKey } from "../../src/multicast/cast/key-record.ts";
import { SimHub } from "../sim/cast-hub.ts";
import { Forger } from "../sim/cast-insider.ts";
import type { CastWorld } from "../sim/cast-scenario.ts";
import { assertWhole, castWorld, extraBytes, type TryOptions } from "../sim/cast-try.ts";

const RECEIVERS = 3;
const LOSS = 0.1;
/** From here on a cast has begun. */
const BEGUN_BYTES = 200_000;

type Burst = Parameters<CastWorld["network"]["send"]>;

/** What left by groups, as an eavesdropper has it; `isCut`: from then on nothing of the sender's arrives. */
interface Tape {
  readonly bursts: Burst[];
  isCut: boolean;
}

async function taped(options: TryOptions = {}): Promise<{ world: CastWorld; tape: Tape }> {
  const cast = { minReceivers: RECEIVERS };
  const world = await castWorld({ bitsPerSecond: 1e9, cast, ...options });
  const tape: Tape = { bursts: [], isCut: false };
  const { network } = world;
  const send = network.send.bind(network);
  network.send = (...burst) => {
    const isSender = burst[0] === world.hub;
    if (isSender) tape.bursts.push(burst);
    if (!isSender || !tape.isCut) send(...burst);
  };
  for (let each = 0; each < RECEIVERS; each++) world.add({ loss: LOSS });
  network.clock.run(5000, () => world.sender.progress().bytes > BEGUN_BYTES);
  return { world, tape };
}

/** Sends any of the tape again and again, each time from another address: the sender's is one of them. */
function replay(world: CastWorld, tape: Tape): void {
  const { network } = world;
  const from = new SimHub(network, 99, {});
  const again = () => {
    if (world.isOver) return;
    for (let each = 0; each < 4; each++) {
      const burst = tape.bursts[network.random.below(tape.bursts.length)] as Burst;
      const port = network.random.below(12);
      const address = port === 0 ? world.hub.address : `198.51.100.7:${port}`;
      Object.assign(from, { address });
      network.send(from, burst[1], burst[2], burst[3]);
    }
    network.clock.after(1, again);
  };
  again();
}

test("a member that counts from far ahead, under its own address or the sender's, jams nobody", async (t) => {
  const calm = await taped();
  t.true(calm.world.run(60_000));
  const { world } = await taped();
  const forger = new Forger(world, world.receivers[0]?.key as CastKey);
  const { clock } = world.network;
  let ahead = 2 ** 30;
  const address = [forger.hub.address, world.hub.address];
  const lie = () => {
    if (world.isOver) return;
    ahead += 100_000;
    Object.assign(forger.hub, { address: address[(ahead / 100_000) & 1] });
    forger.frames(Uint8Array.of(1), ahead);
    clock.after(0.5, lie);
  };
  lie();
  t.true(world.run(60_000));
  t.true(forger.packets > 20, `${forger.packets}`);
  assertWhole(t, world.receivers, world.content);
  for (const { receipt, hub } of world.receivers) {
    t.is(receipt?.path, "multicast");
    t.is(hub.replayed, 0);
  }
  t.log(calm.world.network.clock.now, clock.now);
  t.true(clock.now < 1.5 * calm.world.network.clock.now);
});

test("what was recorded and comes again, from wherever, changes neither content nor counts", async (t) => {
  const { world, tape } = await taped();
  replay(world, tape);
  t.true(world.run(60_000));
  assertWhole(t, world.receivers, world.content);
  for (const { receipt } of world.receivers) {
    t.deepEqual(receipt?.forged, []);
    // Some of what was lost came by the tape; nothing counts twice, which would leave no loss at all.
    t.true((receipt?.lossRate ?? 0) > LOSS / 4, `${receipt?.lossRate}`);
  }
  t.true(extraBytes(world) < 0.5, `${extraBytes(world)}`);
});

test("where the sender is not heard any more, what was recorded does not pass for it", async (t) => {
  const { world, tape } = await taped();
  tape.isCut = true;
  replay(world, { bursts: tape.bursts.slice(), isCut: true });
  t.true(world.run(120_000));
  assertWhole(t, world.receivers, world.content);
  t.log(world.network.clock.now);
  t.true(world.network.clock.now < 20_000, `${world.network.clock.now}`);
});
