import test from "ava";
import { equalBytes } from "../../../src/base/bytes.ts";
import { gather, newMember, type SimMember } from "../../sim/group-member.ts";
import { GroupNet } from "../../sim/group-net.ts";
import { testPrimitives } from "../../support/primitives.ts";

const [[, primitives]] = (await testPrimitives()) as [
  Awaited<ReturnType<typeof testPrimitives>>[0],
];

test("every member hears every other, and knows who said what", (t) => {
  const net = new GroupNet(primitives, { seed: 1 });
  const members = gather(net, 4);
  for (const [index, member] of members.entries()) member.say(`I am ${index}`);
  net.clock.run(net.clock.now + 50);
  for (const member of members) {
    t.is(member.engine.members.length, 3);
    for (const [index, other] of members.entries())
      t.deepEqual(member.heard(other), member === other ? [] : [`I am ${index}`]);
  }
});

test("members find each other by announcements alone", (t) => {
  const net = new GroupNet(primitives, { seed: 2, loss: 0.3 });
  const members = Array.from({ length: 5 }, () => newMember(net, { beacon: true }));
  net.clock.run(4000);
  for (const member of members) t.is(member.engine.members.length, 4);
});

test("a message of 64 KiB arrives whole", (t) => {
  const net = new GroupNet(primitives, { seed: 3 });
  const [alice, bob] = gather(net, 2) as [SimMember, SimMember];
  const large = net.random.bytes(65_536);
  alice.engine.send(large.slice());
  net.clock.run(net.clock.now + 200);
  t.true(equalBytes(bob.delivered[0]?.data as Uint8Array, large));
  t.throws(() => alice.engine.send(new Uint8Array(65_537)), { instanceOf: RangeError });
});

test("reliable: 500 messages arrive in order at every member through 20 % loss", (t) => {
  const net = new GroupNet(primitives, { seed: 4, loss: 0.2, jitterMs: 3 });
  const [alice, ...others] = gather(net, 5, { reliable: true }) as [SimMember, ...SimMember[]];
  const texts = Array.from({ length: 500 }, (_, index) => `message ${index}`);
  for (const text of texts) t.true(alice.say(text));
  net.clock.run(net.clock.now + 20_000, () => alice.engine.flushed);
  t.true(alice.engine.flushed);
  for (const other of others) t.deepEqual(other.heard(alice), texts);
});
