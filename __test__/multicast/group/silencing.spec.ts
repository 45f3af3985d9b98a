/** A member that speaks from another's address, under its keys, does not take its voice. */
import test from "ava";
import {
  frameBy,
  type Held,
  inject,
  keysHeld,
  primitives,
  slotOf,
  trio,
} from "../../sim/group-insider.ts";
import { newMember } from "../../sim/group-member.ts";
import { open, sealPacket } from "../../sim/group-net.ts";

const TURNS = 100;
const TURN_MS = 40;
/** Under way when the first forgery was found: the answer takes a round trip. */
const LOST_MOST = 1;

type Silence = (turn: number, packet: (number: number) => void, next: number) => void;

const WAYS: Record<string, Silence> = {
  "by a flood of wrong signatures": (turn, packet) => {
    for (let each = 0; each < 50; each++) packet(1e6 + 50 * turn + each);
  },
  "by its next packet numbers, a few of them": (turn, packet, next) => {
    if (turn % 20 !== 0) return;
    for (let each = 0; each < 90; each++) packet(next + each);
  },
};

for (const [label, silence] of Object.entries(WAYS)) {
  test(`nobody is silenced ${label}`, (t) => {
    for (const reliable of [false, true]) {
      const { net, alice, bob, mallory } = trio(21, { reliable });
      const said: string[] = [];
      let made = 0;
      for (let turn = 0; turn < TURNS; turn++) {
        const held = keysHeld(mallory, alice).at(-1) as Held;
        const sent = net.wire.filter(({ from }) => from === alice.hub).length;
        silence(
          turn,
          (number) => {
            const frame = frameBy(mallory, held, 1e6 + made++, "made up");
            inject(net, alice, sealPacket(primitives, slotOf(alice, held), number, frame));
          },
          sent,
        );
        said.push(`${turn} ${"x".repeat(net.random.below(3000))}`);
        alice.say(said.at(-1) as string);
        net.clock.run(net.clock.now + TURN_MS);
      }
      net.clock.run(net.clock.now + 200);
      const heard = bob.heard(alice);
      t.deepEqual(
        heard,
        said.slice(said.length - heard.length),
        "in order, the first at most missing",
      );
      t.true(heard.length >= said.length - (reliable ? 0 : LOST_MOST), `${heard.length}`);
      const { forged } = bob.engine.counters;
      t.true(forged <= 100 + (TURNS * TURN_MS) / 10 + 1, `${forged} checks in vain`);
      // Others can be heard by the group all the while, and so can she when it is over.
      mallory.say("nobody forges me");
      net.clock.run(net.clock.now + 31_000);
      t.deepEqual(bob.heard(mallory), ["nobody forges me"]);
      const before = bob.records.filter(({ record }) => record.type === "piece").length;
      alice.say("by the group again");
      net.clock.run(net.clock.now + 200);
      t.is(bob.heard(alice).at(-1), "by the group again");
      t.is(bob.records.filter(({ record }) => record.type === "piece").length, before);
    }
  });
}

test("what was said is not said again to those who came later, whoever asks for it", (t) => {
  const { net, alice, bob } = trio(22, { reliable: true });
  bob.hub.loss = 1;
  for (let turn = 0; turn < 20; turn++) alice.say(`secret ${turn}`);
  net.clock.run(net.clock.now + 5);
  const carol = newMember(net, { reliable: true });
  carol.meet(alice);
  carol.meet(bob);
  net.clock.run(net.clock.now + 30);
  const missing = [{ seq: 0, messages: 20, pieces: new Uint8Array(0) }];
  for (let each = 0; each < 10; each++) {
    carol.lie(alice, { type: "nack", missing });
    net.clock.run(net.clock.now + 20);
  }
  bob.hub.loss = 0;
  net.clock.run(net.clock.now + 3000);
  t.is(bob.heard(alice).length, 20);
  t.deepEqual(carol.heard(alice), []);
  const held = keysHeld(carol, alice).map((each) => slotOf(alice, each));
  const read = net.wire.filter(({ bytes }) => held.some((keys) => open(primitives, keys, bytes)));
  const told = carol.records.filter(({ record }) => record.type === "piece");
  t.is(read.length + told.length, 0);
  alice.say("to all of you");
  net.clock.run(net.clock.now + 1000);
  t.deepEqual(carol.heard(alice), ["to all of you"]);
});
