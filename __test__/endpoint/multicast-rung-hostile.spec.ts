/** Who shares a group with a session can hear and send there; it must change nothing. */
import test from "ava";
import { isGroup } from "../../src/path/ladder.ts";
import { Clock } from "../sim/clock.ts";
import { Internet, MemorySocket } from "../sim/internet.ts";
import { Node, type NodeOptions } from "../sim/node.ts";
import { Random } from "../sim/random.ts";
import { loadBackend } from "../support/backends.ts";

const { primitives } = await loadBackend("fallback");
const LAN: NodeOptions = { ports: [{ interfaceName: "eth0", segment: "lan" }] };
const ALICE = "192.0.2.1:1000";
const BOB = "192.0.2.2:2000";

/** A session in a group, and a socket of somebody else who is in it too. */
function groupSession(t: { fail(message: string): void }) {
  const internet = new Internet(new Clock(), new Random(1), { delayMs: 1 });
  const { clock, random } = internet;
  internet.reaches = () => false;
  const alice = new Node(internet, primitives, ALICE, random.bytes(32), LAN);
  const bob = new Node(internet, primitives, BOB, random.bytes(32), LAN);
  const dialled = alice.dial(bob, { byKey: true });
  clock.run(1000);
  const { record } = dialled;
  const here = bob.opened[0];
  if (record === undefined || here === undefined) {
    t.fail("no session");
    throw new Error("no session");
  }
  const mallory = new MemorySocket(internet, primitives, "192.0.2.66:6", LAN);
  const group = record.address;
  const send = (to: string, bytes: Uint8Array) => mallory.sendPlain(to, bytes);
  return { internet, clock, random, alice, bob, record, here, mallory, group, send };
}

const bytes = (word: string) => Uint8Array.from(word, (letter) => letter.charCodeAt(0));
const text = (parts: Uint8Array[]) => parts.map((part) => String.fromCharCode(...part)).join(" ");

test("recorded handshakes, sent again to this and to other groups, open and move nothing", (t) => {
  const w = groupSession(t);
  const recorded = w.internet.groups.seen.filter(({ packet }) => packet.key === "plain");
  const others = [...new Set(recorded.map(({ to }) => to))];
  t.true(recorded.length > 1 && others.length > 1);
  for (const wait of [0, 5000, 20_000]) {
    w.clock.run(w.clock.now + wait);
    for (const { packet } of recorded) for (const to of others) w.send(to, packet.plaintext);
  }
  w.clock.run(w.clock.now + 15_000);
  t.deepEqual([w.alice.opened.length, w.bob.opened.length], [1, 1]);
  t.deepEqual([w.record.address, w.here.address], [w.group, w.group]);
  t.is([...w.bob.core.table.records()].length, 1, "nothing stays behind");
  w.alice.send(w.record, bytes("still"));
  w.bob.send(w.here, bytes("here"));
  w.clock.run(w.clock.now + 2000);
  t.is(text(w.bob.received(w.here)), "still");
  t.is(text(w.alice.received(w.record)), "here");
});

test("a flood of INITs by the group costs answers no longer than its packets, and no memory beyond its bound", (t) => {
  const w = groupSession(t);
  const init = w.internet.groups.seen.find(({ packet }) => packet.plaintext[0] === 0x50)?.packet;
  if (init === undefined) return t.fail("no INIT was seen");
  const before = w.internet.groups.seen.length;
  w.alice.send(w.record, new Uint8Array(50_000));
  for (let n = 0; n < 3000; n++) {
    // A right mac1 is anybody's who knows the key; mallory reuses one and changes what it covers too.
    const forged = init.plaintext.slice();
    if (n % 2 === 0) forged.set(w.random.bytes(8), 4);
    else forged.set(w.random.bytes(16), 368);
    w.send(w.group, forged);
    if (n % 100 === 0) w.clock.run(w.clock.now + 1);
  }
  w.clock.run(w.clock.now + 5000);
  const answers = w.internet.groups.seen
    .slice(before)
    .filter(({ from, packet }) => from === BOB && packet.key === "plain");
  t.true(answers.length <= 32, `${answers.length} answers`);
  t.true(answers.every(({ packet }) => packet.plaintext.length < 384));
  t.is(w.bob.received(w.here)[0]?.length, 50_000);
  t.is(w.bob.opened.length, 1);
});

test("sealed packets that come back, or are sent again by others, change nothing", (t) => {
  const w = groupSession(t);
  w.alice.send(w.record, new Uint8Array(20_000));
  w.bob.send(w.here, new Uint8Array(20_000));
  w.clock.run(w.clock.now + 3000);
  const stats = () => [w.record.engine.stats(), w.here.engine.stats()];
  const before = stats().map(({ packetsReceived, path }) => ({ packetsReceived, path }));
  const sealed = w.internet.groups.seen.filter(({ packet }) => packet.key !== "plain");
  t.true(sealed.length > 30);
  for (const { to, packet } of sealed) w.internet.groups.send(w.mallory, to, packet);
  w.clock.run(w.clock.now + 1000);
  const after = stats().map(({ packetsReceived, path }) => ({ packetsReceived, path }));
  t.deepEqual(after, before);
  t.true(isGroup(w.record.address));
});

test("a thief that moves packets of a group to its own address gets a few challenges, and no data", (t) => {
  const w = groupSession(t);
  let toThief = 0;
  w.internet.reaches = (_, to) => {
    if (to === w.mallory.address) toThief++;
    return to === w.mallory.address;
  };
  // On the wire between them: alice's packets reach bob from mallory's address.
  w.internet.groups.reaches = (from, to) => !(from === ALICE && to === BOB);
  const seen = w.internet.groups.seen;
  const relay = (at: number): void => {
    for (const { from, to, packet } of seen.slice(at))
      if (from === ALICE) w.internet.groups.send(w.mallory, to, packet);
    const next = seen.length;
    if (w.clock.now < 60_000) w.clock.after(5, () => relay(next));
  };
  relay(seen.length);
  w.alice.send(w.record, new Uint8Array(100_000));
  w.bob.send(w.here, new Uint8Array(100_000));
  w.clock.run(w.clock.now + 20_000);
  t.is(w.bob.received(w.here)[0]?.length, 100_000);
  t.is(w.alice.received(w.record)[0]?.length, 100_000);
  t.true(toThief > 0 && toThief <= 30, `${toThief} packets`);
  t.is(w.here.address, w.group);
});
