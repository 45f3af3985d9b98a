/** Sessions, epochs and generations over a simulated internet: docs/PROTOCOL.md, "Sessions". */
import test from "ava";
import { Clock } from "../sim/clock.ts";
import { Internet, type InternetOptions } from "../sim/internet.ts";
import { Node } from "../sim/node.ts";
import { Random } from "../sim/random.ts";
import { loadBackend } from "../support/backends.ts";

const { primitives } = await loadBackend("fallback");
const SEEDS = process.env.MP2P_SOAK === "1" ? 500 : 12;
const ALICE = "192.0.2.1:1000";
const BOB = "198.51.100.2:2000";

function world(seed: number, options: InternetOptions = { delayMs: 20 }) {
  const internet = new Internet(new Clock(), new Random(seed), options);
  const { clock, random } = internet;
  const [aliceSeed, bobSeed] = [random.bytes(32), random.bytes(32)];
  const alice = new Node(internet, primitives, ALICE, aliceSeed);
  const bob = new Node(internet, primitives, BOB, bobSeed);
  return { internet, clock, random, alice, bob, aliceSeed, bobSeed };
}

function text(bytes: Uint8Array | undefined): string {
  return String.fromCharCode(...(bytes ?? []));
}

const bytes = (word: string) => Uint8Array.from(word, (letter) => letter.charCodeAt(0));

for (const [a, b] of [
  ["IK", "IK"],
  ["IK", "XX"],
  ["XX", "XX"],
] as const) {
  test(`crossing ${a}/${b} under loss, skew and one-way reach end in one session with streams intact`, (t) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { internet, clock, random, alice, bob } = world(seed, {
        delayMs: 30,
        loss: 0.2,
        reorderMs: 40,
      });
      const oneWayUntil = random.below(3000);
      const blocked = random.below(2) === 0 ? ALICE : BOB;
      internet.reaches = (from) => from !== blocked || clock.now > oneWayUntil;
      const first = alice.dial(bob, { ik: a === "IK" });
      clock.run(clock.now + random.below(seed % 3 === 0 ? 10_000 : 200));
      const second = bob.dial(alice, { ik: b === "IK" });
      clock.run(
        clock.now + 40_000,
        () => first.record !== undefined && second.record !== undefined,
      );
      const note = `seed ${seed}`;
      t.is(alice.opened.length, 1, note);
      t.is(bob.opened.length, 1, note);
      const [there] = alice.opened;
      const [here] = bob.opened;
      if (there === undefined || here === undefined) return;
      alice.send(there, bytes("from alice"));
      bob.send(here, bytes("from bob"));
      clock.run(clock.now + 20_000);
      t.is(text(bob.received(here)[0]), "from alice", note);
      t.is(text(alice.received(there)[0]), "from bob", note);
    }
  });
}

test("a killed peer that comes back is noticed, and its old streams fail as a restart", (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { internet, clock, alice, bob, bobSeed } = world(seed, { delayMs: 20, loss: 0.05 });
    const dialled = alice.dial(bob);
    clock.run(5000);
    const { record } = dialled;
    t.truthy(record, `seed ${seed}`);
    if (record === undefined) return;
    bob.kill();
    alice.send(record, bytes("into the void"));
    clock.run(clock.now + 1500);
    const reborn = new Node(internet, primitives, BOB, bobSeed);
    clock.run(clock.now + 30_000);
    t.like(alice.closes(record)[0], { kind: "closed", by: "restart" }, `seed ${seed}`);
    const again = alice.dial(reborn, { ik: true });
    clock.run(clock.now + 20_000);
    t.truthy(again.record, `seed ${seed}`);
  }
});

test("replayed handshakes of a session that is over open nothing", (t) => {
  const { internet, clock, alice, bob } = world(7);
  const { record } = { record: alice.dial(bob) };
  clock.run(2000);
  const session = record.record;
  if (session === undefined) return t.fail("no session");
  session.engine.close(0, "", clock.now);
  alice.core.touch(session);
  alice.run();
  clock.run(clock.now + 30_000);
  const shown = bob.opened.length;
  for (const { from, to, bytes: packet } of [...internet.plainSeen]) {
    internet.carry(from, to, { key: "plain", packet: 0, size: packet.length, plaintext: packet });
  }
  clock.run(clock.now + 30_000);
  t.is(bob.opened.length, shown);
  t.is([...bob.core.table.records()].length, 0, "nothing stays behind");
});

test("replayed INITs of an older epoch do not disturb the session that lives", (t) => {
  const { internet, clock, alice, bob } = world(8);
  const first = alice.dial(bob, { ik: true });
  clock.run(2000);
  const old = [...internet.plainSeen];
  first.record?.engine.close(0, "", clock.now);
  if (first.record) alice.core.touch(first.record);
  alice.run();
  clock.run(clock.now + 20_000);
  const second = alice.dial(bob, { ik: true });
  clock.run(clock.now + 2000);
  for (const { from, to, bytes: packet } of old) {
    internet.carry(from, to, { key: "plain", packet: 0, size: packet.length, plaintext: packet });
  }
  clock.run(clock.now + 20_000);
  const { record } = second;
  if (record === undefined) return t.fail("no second session");
  t.is(record.epoch, 1);
  alice.send(record, bytes("still here"));
  clock.run(clock.now + 2000);
  t.is(text(bob.received(bob.opened.at(-1) as never)[0]), "still here");
  t.is(bob.opened.length, 2);
});

test("a session that was idle for longer than its keys live closes, and nothing of it stays behind", (t) => {
  const { clock, alice, bob } = world(11);
  const { record } = settled(clock, alice.dial(bob));
  if (record === undefined) return t.fail("no session");
  clock.run(clock.now + 300_000);
  t.is(record.generations.length, 0);
  record.engine.close(0, "", clock.now);
  alice.core.touch(record);
  alice.run();
  clock.run(clock.now + 20_000);
  t.is(alice.closes(record).length, 1);
  t.false(alice.core.draining);
  t.true(record.over);
});

for (const ik of [true, false]) {
  const how = ik ? "IK" : "XX";

  test(`${how}: whoever has a handshake under way with an endpoint that closes is told`, (t) => {
    for (let after = 0; after < 60; after += 5) {
      const { clock, alice, bob } = world(9);
      const dialled = alice.dial(bob, { ik });
      clock.run(after);
      bob.core.close(clock.now);
      bob.run();
      clock.run(clock.now + 25_000);
      const { record, error } = dialled;
      if (after < 20) t.is(error?.code, "MP2P_NO_PATH", "it had not been heard of");
      else if (record === undefined) t.fail(`closed after ${after} ms: no session`);
      else t.like(alice.closes(record)[0], { by: "peer" }, `closed after ${after} ms`);
      t.is(bob.opened.length, 0);
      t.false(bob.core.draining);
    }
  });

  test(`${how}: a peer that answered and was never heard again is given up after 30 s`, (t) => {
    const { clock, alice, bob } = world(10);
    const dialled = alice.dial(bob, { ik });
    clock.run(30);
    bob.kill();
    clock.run(29_000);
    const { record } = dialled;
    if (record === undefined) return t.fail("no session");
    t.is(alice.closes(record).length, 0);
    clock.run(31_000);
    t.like(alice.closes(record)[0], { by: "idle" });
  });
}

test("an endpoint that its key alone does not reach answers those that name it, and peers that lost it", (t) => {
  const { internet, clock, random, bob, bobSeed } = world(12);
  const alice = new Node(internet, primitives, ALICE, random.bytes(32), { answersKey: false });
  const { record } = settled(clock, bob.dial(alice, { instance: alice.instance }));
  if (record === undefined) return t.fail("no session");
  const other = new Node(internet, primitives, "198.51.100.2:3000", bobSeed);
  for (const ik of [true, false])
    t.is(settled(clock, other.dial(alice, { ik })).error?.code, "MP2P_NO_PATH", `IK: ${ik}`);
  t.truthy(settled(clock, other.dial(alice, { instance: alice.instance })).record);

  const handshakes = () => record.exporters.length;
  const before = handshakes();
  internet.reaches = () => false;
  bob.send(record, bytes("anybody there?"));
  clock.run(clock.now + 5000);
  internet.reaches = () => true;
  clock.run(clock.now + 10_000);
  t.true(handshakes() > before, "it was searched for by its key, and answered");
  t.deepEqual(alice.received(alice.opened[0] as never).map(text), ["anybody there?"]);
});

test("a peer whose address changes is followed, and its streams go on", (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { clock, alice, bob } = world(seed, { delayMs: 20, loss: 0.05 });
    const { record } = settled(clock, alice.dial(bob));
    if (record === undefined) return t.fail(`seed ${seed}: no session`);
    alice.send(record, bytes("before"));
    clock.run(clock.now + 2000);
    alice.socket.rebind("203.0.113.9:9999");
    alice.send(record, bytes("after"));
    clock.run(clock.now + 10_000);
    const here = bob.opened[0];
    if (here === undefined) return t.fail(`seed ${seed}: not shown`);
    t.deepEqual(bob.received(here).map(text), ["before", "after"], `seed ${seed}`);
    t.is(here.address, "203.0.113.9:9999", `seed ${seed}`);
    bob.send(here, bytes("found you"));
    clock.run(clock.now + 5000);
    t.is(text(alice.received(record)[0]), "found you", `seed ${seed}`);
  }
});

test("keys are renewed while streams run, and nothing is lost on the way", (t) => {
  const { clock, alice, bob } = world(3, { delayMs: 25, loss: 0.05 });
  const { record } = settled(clock, alice.dial(bob));
  if (record === undefined) return t.fail("no session");
  const words: string[] = [];
  for (let round = 0; round < 60; round++) {
    words.push(`word ${round}`);
    alice.send(record, bytes(`word ${round}`));
    clock.run(clock.now + 10_000);
  }
  const here = bob.opened[0];
  if (here === undefined) return t.fail("not shown");
  t.deepEqual(bob.received(here).map(text), words);
  t.is(bob.opened.length, 1);
  t.true(record.generations.length <= 2, "old generations are retired");
  t.is(alice.closes(record).length, 0);
});

function settled<T extends { record: unknown; error: unknown }>(clock: Clock, dialled: T): T {
  clock.run(clock.now + 20_000, () => dialled.record !== undefined || dialled.error !== undefined);
  return dialled;
}
