import process from "node:process";
import test from "ava";
import { REGION } from "../../../src/backend/native/addon.ts";
import { ascii, equalBytes } from "../../../src/base/bytes.ts";
import { GroupInbox } from "../../../src/endpoint/group-inbox.ts";
import { assertStrongSecret } from "../../../src/multicast/group/terms.ts";
import { gather, newMember, type SimMember } from "../../sim/group-member.ts";
import { GroupNet } from "../../sim/group-net.ts";
import { testPrimitives } from "../../support/primitives.ts";

const [[, primitives]] = (await testPrimitives()) as [
  Awaited<ReturnType<typeof testPrimitives>>[0],
];

test("secrets that cannot hold 80 bits are refused", (t) => {
  const weak = ["", "hunter2", "correcthorse", "1234567890123456", "a".repeat(40), "ab".repeat(20)];
  for (const secret of [...weak, new Uint8Array(32), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9)])
    t.throws(() => assertStrongSecret(secret), { code: "MP2P_WEAK_SECRET" }, String(secret));
  const strong = ["kxnfwqzjhtyvbmcdp", "ybndrfg8ejkmcpqx", "4f9c02d1be7a8853c610"];
  for (const secret of [...strong, Uint8Array.from({ length: 10 }, (_, index) => index * 25)])
    t.notThrows(() => assertStrongSecret(secret), String(secret));
});

test("a group has 256 members, and the next one is refused", (t) => {
  const net = new GroupNet(primitives, { seed: 1, loss: 0.01 });
  const hub = newMember(net, { reliable: true });
  const others = Array.from({ length: 256 }, () => newMember(net, { reliable: true }));
  for (const other of others) other.meet(hub);
  net.clock.run(net.clock.now + 200);
  t.is(hub.engine.members.length, 255);
  t.is(hub.engine.counters.refusedMembers, 1);
  for (let count = 0; count < 20; count++) hub.say(`to all ${count}`);
  net.clock.run(net.clock.now + 10_000, () => hub.engine.flushed);
  t.true(hub.engine.flushed);
  const heard = others.filter((other) => other.heard(hub).length === 20);
  t.is(heard.length, 255);
  t.true(others.every(({ delivered }) => delivered.every(({ lost }) => lost === 0)));
});

test("everybody hears everybody where all speak at once", (t) => {
  const net = new GroupNet(primitives, { seed: 9, loss: 0.02 });
  const members = gather(net, process.env.MP2P_SOAK === "1" ? 256 : 40, { reliable: true });
  for (const [index, member] of members.entries()) member.say(`I am ${index}`);
  net.clock.run(net.clock.now + 20_000, () => members.every(({ engine }) => engine.flushed));
  const others = members.length - 1;
  t.true(members.every(({ delivered }) => delivered.length === others));
});

test("repairs for many cost little more than for one", (t) => {
  const net = new GroupNet(primitives, { seed: 2 });
  const hub = newMember(net, { reliable: true });
  const others = Array.from({ length: 100 }, () => newMember(net, { reliable: true }));
  for (const other of others) hub.meet(other);
  net.clock.run(net.clock.now + 200);
  // All miss the same: one sends for all.
  net.loss = 1;
  hub.say("missed by all");
  net.clock.run(net.clock.now + 2);
  net.loss = 0;
  const before = net.packets;
  hub.say("heard by all");
  net.clock.run(net.clock.now + 3000, () => hub.engine.flushed);
  for (const other of others) t.deepEqual(other.heard(hub), ["missed by all", "heard by all"]);
  t.true(net.packets - before <= 5, `${net.packets - before} packets`);
});

test("a member that multicast does not reach gets copies of its own", (t) => {
  for (const reliable of [false, true]) {
    const net = new GroupNet(primitives, { seed: 3 });
    const [alice, bob, carol] = gather(net, 3, { reliable }) as [SimMember, SimMember, SimMember];
    carol.hub.deaf = true;
    alice.say("into the void");
    net.clock.run(net.clock.now + 2000);
    alice.say("by hand");
    net.clock.run(net.clock.now + 500);
    t.deepEqual(bob.heard(alice), ["into the void", "by hand"]);
    t.deepEqual(carol.heard(alice), reliable ? ["into the void", "by hand"] : ["by hand"]);
    if (!reliable) t.is(carol.delivered[0]?.lost, 1);
  }
});

test("what a member missed for longer than the sender keeps it is a gap that says its size", (t) => {
  const net = new GroupNet(primitives, { seed: 4 });
  const options = { reliable: true, rate: 1e9 };
  const [alice, bob, carol] = gather(net, 3, options) as [SimMember, SimMember, SimMember];
  carol.hub.loss = 1;
  const said: string[] = [];
  for (let round = 0; round < 40; round++) {
    for (let count = 0; count < 100; count++) {
      const text = `${said.length}`;
      if (alice.say(text)) said.push(text);
    }
    net.clock.run(net.clock.now + 100);
  }
  carol.hub.loss = 0;
  net.clock.run(net.clock.now + 20_000, () => alice.engine.flushed);
  t.deepEqual(bob.heard(alice), said);
  const heard = carol.heard(alice);
  t.deepEqual(heard, said.slice(said.length - heard.length));
  t.is(carol.delivered[0]?.lost, said.length - heard.length);
  t.true(heard.length >= 1024 && heard.length < said.length, `${heard.length} of ${said.length}`);
});

test("a member that nothing reaches for less than half a second misses nothing", (t) => {
  const net = new GroupNet(primitives, { seed: 14 });
  const options = { reliable: true, rate: 1e9 };
  const [alice, bob, carol] = gather(net, 3, options) as [SimMember, SimMember, SimMember];
  const said: string[] = [];
  carol.hub.loss = 1;
  for (let ms = 0; ms < 1500; ms++) {
    if (ms === 450) carol.hub.loss = 0;
    for (let count = 0; count < 8; count++) {
      const text = `${said.length}`;
      if (alice.say(text)) said.push(text);
    }
    net.clock.run(net.clock.now + 1);
  }
  net.clock.run(net.clock.now + 5000, () => alice.engine.flushed);
  t.true(said.length > 5000, `${said.length} messages in 1.5 s`);
  for (const member of [bob, carol]) t.deepEqual(member.heard(alice), said);
});

test("a crowd that joins a speaking group costs a round of keys a second, not one for each", (t) => {
  const net = new GroupNet(primitives, { seed: 5 });
  const [alice, bob] = gather(net, 2, { reliable: true }) as [SimMember, SimMember];
  alice.say("before the crowd");
  net.clock.run(net.clock.now + 50);
  const rounds = () =>
    bob.records.filter(({ from, record }) => from === alice.party && record.type === "key").length;
  const before = rounds();
  const crowd: SimMember[] = [];
  for (let count = 0; count < 30; count++) {
    const member = newMember(net, { reliable: true });
    crowd.push(member);
    member.meet(alice);
    member.meet(bob);
    alice.say(`meanwhile ${count}`);
    net.clock.run(net.clock.now + 50);
  }
  net.clock.run(net.clock.now + 3000);
  alice.say("everybody here?");
  net.clock.run(net.clock.now + 100);
  for (const member of crowd) t.is(member.heard(alice).at(-1), "everybody here?");
  t.true(rounds() - before <= 5, `${rounds() - before} rounds of keys in two seconds`);
});

test("two streams between the same two end as one, whoever began", (t) => {
  const net = new GroupNet(primitives, { seed: 6 });
  const alice = newMember(net);
  const bob = newMember(net);
  alice.meet(bob);
  bob.meet(alice);
  net.clock.run(net.clock.now + 100);
  alice.say("once");
  bob.say("once");
  net.clock.run(net.clock.now + 100);
  t.deepEqual([alice.heard(bob), bob.heard(alice)], [["once"], ["once"]]);
  t.deepEqual([alice.engine.members.length, bob.engine.members.length], [1, 1]);
  for (const { engine } of [alice, bob]) t.is(engine.counters.refusedMembers, 0);
});

test("one identity is a member twice, by two endpoints, and each hears the other", (t) => {
  const net = new GroupNet(primitives, { seed: 7 });
  const seed = net.random.bytes(32);
  const [here, there] = gather(net, 2, { seed }) as [SimMember, SimMember];
  here.say("from here");
  net.clock.run(net.clock.now + 50);
  t.true(equalBytes(there.delivered[0]?.data as Uint8Array, ascii("from here")));
});

test("a program that does not read loses the newest, and is told how many with the next", async (t) => {
  const inbox = new GroupInbox();
  const from = new Uint8Array(32);
  const instance = new Uint8Array(8);
  const message = (seq: number) => ({ from, instance, seq, lost: 0, data: new Uint8Array(65_536) });
  const messages = inbox.loop();
  for (let seq = 0; seq < 300; seq++) inbox.push("sender", message(seq));
  for (let seq = 0; seq < 256; seq++) t.is((await messages.next()).value?.seq, seq);
  inbox.push("sender", message(300));
  t.like((await messages.next()).value, { seq: 300, lost: 44 });
});

test("a program that reads gets all that one turn of the event loop brings", async (t) => {
  const inbox = new GroupInbox();
  const [from, instance, data] = [new Uint8Array(32), new Uint8Array(8), new Uint8Array(200)];
  const brought = 8 * REGION.rows;
  for (let seq = 0; seq < brought; seq++)
    inbox.push("sender", { from, instance, seq, lost: 0, data });
  const messages = inbox.loop();
  for (let seq = 0; seq < brought; seq++) t.like((await messages.next()).value, { seq, lost: 0 });
});

test("a sender slows down where members miss much, and never below its floor", (t) => {
  const net = new GroupNet(primitives, { seed: 8 });
  const [alice, bob] = gather(net, 2, { reliable: true, rate: 50e6 }) as [SimMember, SimMember];
  const speak = (ms: number) => {
    for (let spent = 0; spent < ms; spent += 5) {
      while (alice.engine.send(new Uint8Array(20_000)));
      net.clock.run(net.clock.now + 5);
    }
  };
  speak(2000);
  const clean = alice.engine.rate;
  t.true(clean > 5e6, `${clean} bytes a second`);
  bob.hub.loss = 0.3;
  speak(5000);
  t.true(alice.engine.rate < clean / 3, `${alice.engine.rate} bytes a second`);
  t.true(alice.engine.rate >= 1_250_000);
});

test("a member that asks for everything again and again leaves half of what is sent to the news", (t) => {
  const spoken = (isStorm: boolean) => {
    const net = new GroupNet(primitives, { seed: 9 });
    const [alice, bob, mallory] = gather(net, 3, { reliable: true }) as [
      SimMember,
      SimMember,
      SimMember,
    ];
    const everything = Array.from({ length: 64 }, (_, seq) => ({
      seq,
      messages: 65_535,
      pieces: new Uint8Array(0),
    }));
    const until = net.clock.now + 1500;
    const storm = (): void => {
      if (isStorm)
        for (let count = 0; count < 5; count++)
          mallory.lie(alice, { type: "nack", missing: everything });
      for (let count = 0; count < 40 && alice.say("x".repeat(900)); count++);
      if (net.clock.now < until) net.clock.after(4, storm);
    };
    storm();
    net.clock.run(until);
    return bob.heard(alice).length;
  };
  const calm = spoken(false);
  const stormy = spoken(true);
  t.log(calm, stormy);
  t.true(stormy > 0.3 * calm, `${stormy} of ${calm}`);
});

test("a member that changes its keys without end holds few slots of the others", (t) => {
  const net = new GroupNet(primitives, { seed: 10 });
  const [alice, mallory] = gather(net, 2, {}) as [SimMember, SimMember];
  const before = alice.hub.listening;
  const hears = { ipv4: true, ipv6: true };
  for (let epoch = 1000; epoch < 3000; epoch++)
    mallory.lie(alice, {
      type: "key",
      epoch,
      seq: 0,
      reliable: false,
      hears,
      key: net.random.bytes(32),
    });
  net.clock.run(net.clock.now + 100);
  t.true(alice.hub.listening <= before + 4, `${alice.hub.listening}`);
});
