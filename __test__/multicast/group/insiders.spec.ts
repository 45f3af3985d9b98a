/** Members that make up numbers and signatures, and recordings that are played back: nobody is silenced. */
import test from "ava";
import { ascii } from "../../../src/base/bytes.ts";
import {
  frameBy,
  type Held,
  inject,
  keysHeld,
  primitives,
  seenAt,
  slotOf,
  trio,
} from "../../sim/group-insider.ts";
import { sealPacket, type WirePacket } from "../../sim/group-net.ts";

test("a member that counts from far ahead, under its own address or another's, silences nobody", (t) => {
  for (const reliable of [false, true]) {
    const { net, alice, bob, mallory } = trio(13, { reliable });
    const [held] = keysHeld(mallory, alice) as [Held];
    const said: string[] = [];
    for (let turn = 0; turn < 50; turn++) {
      const liar = turn % 2 === 0 ? mallory : alice;
      const far = 2 ** 40 + turn * 100_000;
      inject(net, liar, sealPacket(primitives, slotOf(alice, held), far, ascii("far ahead")));
      said.push(`${turn}`);
      alice.say(`${turn}`);
      net.clock.run(net.clock.now + 5);
    }
    net.clock.run(net.clock.now + 50);
    t.deepEqual(bob.heard(alice), said);
    t.is(bob.engine.counters.malformed, 50);
    t.is(bob.hub.replayed, 0);
  }
});

test("whatever was recorded, sent again in any order from any address, is delivered once", (t) => {
  for (const reliable of [false, true]) {
    const { net, alice, bob } = trio(14, { reliable });
    net.loss = 0.1;
    const said: string[] = [];
    for (let turn = 0; turn < 60; turn++) {
      said.push(`${turn} ${"x".repeat(net.random.below(3000))}`);
      alice.say(said.at(-1) as string);
      net.clock.run(net.clock.now + 5);
      const packets = net.wire.filter(({ from, bytes }) => from === alice.hub && bytes[0] === 0x56);
      for (let each = 0; each < 20; each++) {
        const { bytes } = packets[net.random.below(packets.length)] as WirePacket;
        const from = seenAt(alice, `198.51.100.7:${net.random.below(20)}`);
        bob.hub.arrive({ from, to: "", bytes });
      }
    }
    net.clock.run(net.clock.now + 3000);
    const heard = bob.heard(alice);
    if (reliable) t.deepEqual(heard, said);
    else {
      const order = heard.map((text) => said.indexOf(text));
      t.deepEqual(
        order,
        [...new Set(order)].sort((one, other) => one - other),
        "rising, none twice",
      );
    }
    const { forged, malformed } = bob.engine.counters;
    t.is(forged + malformed, 0);
  }
});

test("a flood of wrong signatures costs few checks, and hurts neither its victim nor others", (t) => {
  const floods: Record<string, (turn: number) => string> = {
    "from one address": () => "198.51.100.7:5000",
    "from one host": (turn) => `198.51.100.7:${turn}`,
  };
  for (const [label, address] of Object.entries(floods)) {
    const { net, alice, bob, mallory } = trio(15);
    const [held] = keysHeld(mallory, alice) as [Held];
    const said: string[] = [];
    // Alice has a second interface, of which her session says nothing.
    const other = seenAt(alice, "203.0.113.1:5000");
    net.alias = (packet) => (packet.from === alice.hub ? { ...packet, from: other } : packet);
    const before = net.clock.now;
    for (let turn = 0; turn < 2000; turn++) {
      const from = seenAt(mallory, address(turn));
      const frame = frameBy(mallory, held, 1000 + turn, "made up");
      const bytes = sealPacket(primitives, slotOf(alice, held), 1e6 + turn, frame);
      bob.hub.arrive({ from, to: "", bytes });
      net.clock.run(net.clock.now + 1);
      if (turn % 40 !== 20) continue;
      said.push(`${turn}`);
      alice.say(`${turn}`);
    }
    net.clock.run(net.clock.now + 50);
    t.deepEqual(bob.heard(alice), said, label);
    const { forged, unchecked } = bob.engine.counters;
    t.is(forged + unchecked, 2000, label);
    t.true(forged <= 10 + ((net.clock.now - before) * 10) / 1000, `${label}: ${forged}`);
  }
});

test("who sends wrong signatures from a member's own address is not listened to without end", (t) => {
  const { net, alice, bob, mallory } = trio(16);
  const [held] = keysHeld(mallory, alice) as [Held];
  for (let turn = 0; turn < 2000; turn++) {
    const frame = frameBy(mallory, held, 1000 + turn, "made up");
    inject(net, alice, sealPacket(primitives, slotOf(alice, held), 1e6 + turn, frame));
    net.clock.run(net.clock.now + 1);
  }
  const { forged, unchecked } = bob.engine.counters;
  t.is(forged + unchecked, 2000);
  t.true(forged <= 100 + 200 + 1, `${forged}`);
  net.clock.run(net.clock.now + 1000);
  alice.say("still here");
  net.clock.run(net.clock.now + 50);
  t.deepEqual(bob.heard(alice), ["still here"]);
});

test("hostile bytes under a member's own keys are counted and change nothing", (t) => {
  const { net, alice, bob, mallory } = trio(6);
  const [held] = keysHeld(alice, mallory) as [Held];
  for (let packet = 0; packet < 300; packet++) {
    const bytes = net.random.bytes(net.random.below(200));
    if (packet % 2 === 0) bytes[0] = 0x18;
    inject(net, mallory, sealPacket(primitives, slotOf(mallory, held), packet, bytes));
  }
  const { forged, malformed, duplicates, unchecked } = bob.engine.counters;
  t.is(forged + malformed + duplicates + unchecked, 300);
  t.deepEqual(bob.delivered, []);
  mallory.say("honest for once");
  alice.say("still here");
  net.clock.run(net.clock.now + 50);
  t.deepEqual(bob.heard(alice), ["still here"]);
});
