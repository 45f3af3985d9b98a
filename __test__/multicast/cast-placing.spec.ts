/** Receivers that have every block and put files in place for long: they are heard, and end well. In virtual time. */
import test from "ava";
import { assertWhole, castWorld } from "../sim/cast-try.ts";

const SETUP = { packetBytes: 1452, bytes: 1_000_000 };

for (const others of [0, 1])
  test(`a receiver that puts files in place for five minutes is waited for, beside ${others} others`, async (t) => {
    const world = await castWorld({ ...SETUP, cast: { minReceivers: 1 + others } });
    world.add({ completeMs: 300_000 });
    for (let added = 0; added < others; added++) world.add();
    t.true(world.run(301_000));
    assertWhole(t, world.receivers, world.content);
    t.true(world.report?.receivers.every(({ outcome }) => outcome === "complete"));
  });

test("a receiver that never has its files in place is lost ten minutes after its last block", async (t) => {
  const world = await castWorld({ ...SETUP, cast: { minReceivers: 2 } });
  world.add({ completeMs: 1e9 });
  world.add();
  t.false(world.run(599_000));
  t.true(world.run(3000));
  t.deepEqual(
    world.report?.receivers.map(({ outcome, why }) => [outcome, why]),
    [
      ["lost", "it made no progress"],
      ["complete", undefined],
    ],
  );
});

for (const [how, goes] of [
  ["is off the network", "unplug"],
  ["is stopped", "stop"],
  ["closes the connection", "close"],
] as const)
  test(`the sender ${how} while files are put in place: they are, all the same`, async (t) => {
    const world = await castWorld(SETUP);
    const receiver = world.add({ completeMs: 90_000 });
    const { clock } = world.network;
    clock.run(5000);
    if (goes === "unplug") receiver.unplug(1e9);
    else if (goes === "stop") world.sender.stop();
    else receiver.engine.lost(new Error("the connection is gone"));
    clock.run(95_000);
    assertWhole(t, [receiver], world.content);
    t.true(receiver.doneAt < 92_000, `${receiver.doneAt}`);
  });
