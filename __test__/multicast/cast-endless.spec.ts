/** Receivers that never get on, come without end, or hold what nobody can keep: the cast goes on, and ends. */
import test from "ava";
import { Crowd } from "../../src/multicast/cast/crowd.ts";
import { readHeld } from "../../src/multicast/cast/door.ts";
import { Geometry } from "../../src/multicast/cast/geometry.ts";
import { Intake } from "../../src/multicast/cast/intake.ts";
import { Peer } from "../../src/multicast/cast/peer.ts";
import { haveRecords, RECORD_HEADER_BYTES } from "../../src/multicast/cast/records.ts";
import { Liar } from "../sim/cast-insider.ts";
import { assertWhole, castWorld } from "../sim/cast-try.ts";

const LINK = { send: () => undefined, backlog: () => 0, close: () => undefined };

/** Two receivers, and one more that says something every 20 ms. */
async function castBeside(isLive: boolean, bytes: number, say: (liar: Liar) => void) {
  const setup = { bytes, packetBytes: 1452, isLive, cast: { minReceivers: 3 } };
  const world = await castWorld(setup);
  const receivers = [world.add(), world.add()];
  const liar = new Liar(world).enter();
  liar.every(20, () => say(liar));
  return { world, receivers, liar };
}

test("a receiver of a live cast that says it has nothing holds the others up for seconds, not for ever", async (t) => {
  let received = 0;
  const { world, receivers, liar } = await castBeside(true, 36_000_000, (each) => {
    received += 20;
    each.status({ channels: [{ channel: 0, largest: received, received }] });
  });
  t.true(world.run(40_000));
  assertWhole(t, receivers, world.content);
  t.is(liar.peer.outcome, "lost");
});

test("one of live receivers that gets a block now and then is too slow, too", async (t) => {
  let next = 0;
  const { world, receivers } = await castBeside(true, 40_000_000, (each) => {
    next += 0.01;
    each.status({ next: Math.floor(next), channels: [{ channel: 0, largest: 1, received: 1 }] });
  });
  t.true(world.run(60_000));
  assertWhole(t, receivers, world.content);
});

test("a receiver that says it gets on by a byte at a time keeps no cast from ending", async (t) => {
  let writtenBytes = 0;
  const { world, receivers } = await castBeside(false, 2_000_000, (each) =>
    each.status({
      writtenBytes: ++writtenBytes,
      channels: [{ channel: 0, largest: 1, received: 1 }],
    }),
  );
  t.true(world.run(180_000));
  assertWhole(t, receivers, world.content);
});

test("a receiver that reports without end is dropped, and one whose reports were held back is not", async (t) => {
  const { world, receivers, liar } = await castBeside(false, 2_000_000, () => undefined);
  const report = (times: number) => {
    for (let time = 0; time < times; time++)
      liar.status({ channels: [{ channel: 0, largest: 1, received: 1 }] });
  };
  report(8000);
  t.is(liar.peer.outcome, undefined);
  report(1000);
  t.is(liar.peer.outcome, "declined");
  t.true(world.run(180_000));
  assertWhole(t, receivers, world.content);
});

test("keys that came and went take no place from who comes, those that have everything keep theirs", (t) => {
  const crowd = new Crowd();
  const come = (index: number, outcome: "complete" | "lost" | undefined) => {
    const key = new Uint8Array(32);
    new DataView(key.buffer).setUint32(0, index);
    const peer = new Peer(key, LINK, 0);
    peer.outcome = outcome;
    return crowd.add(peer);
  };
  t.true(come(0, "complete"));
  for (let index = 1; index < 1 << 14; index++) t.true(come(index, "lost"), `${index}`);
  t.true(come(1 << 14, undefined), "one more");
  t.is(crowd.peers.length, 1 << 14);
  t.is(crowd.peers[0]?.outcome, "complete");
});

test("a sender that names hashes of blocks far ahead fills no memory of its receivers", async (t) => {
  const { primitives } = (await castWorld()).hub;
  const intake = new Intake(primitives, new Geometry(1452, undefined), () => undefined);
  const hash = new Uint8Array(32).fill(1);
  const most = 1 << 20;
  intake.hold([most - 1, most].map((block) => ({ block, hash })));
  intake.learned(most - 1, new Uint8Array(64).fill(1));
  t.true(intake.got.has(most - 1));
  t.false(intake.got.has(most));
});

test("what is held is named in order, and only as much as there is room for is noted", (t) => {
  const body = (...blocks: number[]) => {
    const held = blocks.map((block) => ({ block, hash: new Uint8Array(32).fill(1) }));
    const [have] = haveRecords(held) as [Uint8Array];
    return have.subarray(RECORD_HEADER_BYTES);
  };
  const peer = new Peer(new Uint8Array(32), LINK, 0);
  t.true(readHeld(peer, body(1, 3, 5), 100, 2));
  t.deepEqual([...peer.held.keys()], [1, 3]);
  t.is(peer.held.get(1)?.buffer.byteLength, 32, "the record is not kept for a hash");
  t.true(readHeld(peer, body(5, 7), 100, 2));
  t.false(readHeld(peer, body(6), 100, 2), "below one named before");
});
