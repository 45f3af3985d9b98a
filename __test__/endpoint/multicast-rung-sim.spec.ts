/** Sessions through groups over a simulated switch: docs/PROTOCOL.md, "Through a group". */
import test, { type ExecutionContext } from "ava";
import { equalBytes } from "../../src/base/bytes.ts";
import type { SessionRecord } from "../../src/endpoint/session-record.ts";
import { isGroup } from "../../src/path/ladder.ts";
import { Clock } from "../sim/clock.ts";
import { Internet } from "../sim/internet.ts";
import { Node, type NodeOptions } from "../sim/node.ts";
import { Random } from "../sim/random.ts";
import { loadBackend } from "../support/backends.ts";

const { primitives } = await loadBackend("fallback");
const SEEDS = process.env.MP2P_SOAK === "1" ? 300 : 8;
const ALICE = "192.0.2.1:1000";
const BOB = "192.0.2.2:2000";
const LAN: NodeOptions = { ports: [{ interfaceName: "eth0", segment: "lan" }] };
const CAP_BYTES_PER_MS = 1000;
const TRAIN_PACKETS = 10;

interface WorldOptions {
  readonly loss?: number;
  readonly alice?: NodeOptions;
  readonly bob?: NodeOptions;
}

function world(seed: number, { loss = 0, alice = LAN, bob = LAN }: WorldOptions = {}) {
  const internet = new Internet(new Clock(), new Random(seed), { delayMs: 1, loss });
  const { clock, random } = internet;
  const [a, b] = [random.bytes(32), random.bytes(32)];
  const unicast = { open: true };
  internet.reaches = () => unicast.open;
  return {
    internet,
    clock,
    random,
    unicast,
    alice: new Node(internet, primitives, ALICE, a, alice),
    bob: new Node(internet, primitives, BOB, b, bob),
    bobSeed: b,
  };
}
type World = ReturnType<typeof world>;

/** Alice knows Bob's key and nothing else. */
function connect({ clock, alice, bob }: World, ms = 20_000): SessionRecord | undefined {
  const dialled = alice.dial(bob, { byKey: true });
  clock.run(clock.now + ms, () => dialled.record !== undefined || dialled.error !== undefined);
  return dialled.record;
}

/** Sends fresh bytes both ways at once, and says what came of them. */
function exchange(t: ExecutionContext, w: World, bytes: number, note: string): void {
  const there = w.alice.opened.at(-1);
  // The first packet under the keys may still be on its way.
  w.clock.run(w.clock.now + 5000, () => w.bob.opened.length > 0);
  const here = w.bob.opened.at(-1);
  if (there === undefined || here === undefined) {
    t.fail(`${note}: no session`);
    return;
  }
  const up = w.random.bytes(bytes);
  const down = w.random.bytes(bytes);
  w.alice.send(there, up);
  w.bob.send(here, down);
  const [known, knownBack] = [w.bob.received(here).length, w.alice.received(there).length];
  const arrived = () =>
    w.bob.received(here)[known]?.length === bytes &&
    w.alice.received(there)[knownBack]?.length === bytes;
  for (let step = 0; step < 300 && !arrived(); step++) w.clock.run(w.clock.now + 100);
  const isThere = (got: Uint8Array | undefined, sent: Uint8Array) =>
    got !== undefined && equalBytes(got, sent);
  t.true(isThere(w.bob.received(here)[known], up), `${note}: to bob`);
  t.true(isThere(w.alice.received(there)[knownBack], down), `${note}: to alice`);
}

test("a session is set up and carried both ways by the group alone, with loss, within its limits", (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const w = world(seed, { loss: 0.05 });
    w.unicast.open = false;
    const record = connect(w);
    if (record === undefined) return t.fail(`seed ${seed}: no session`);
    const from = { at: w.clock.now, packets: w.internet.groups.seen.length };
    exchange(t, w, 200_000, `seed ${seed}`);
    t.true(isGroup(record.address), record.address);
    const sent = w.internet.groups.seen.slice(from.packets);
    const byAlice = sent.filter((each) => each.from === ALICE).map(({ packet }) => packet.size);
    t.true(Math.max(...byAlice) <= 1200, `seed ${seed}: ${Math.max(...byAlice)} bytes`);
    const bytes = byAlice.reduce((sum, size) => sum + size, 0);
    const most = CAP_BYTES_PER_MS * (w.clock.now - from.at) + 2 * TRAIN_PACKETS * 1200;
    t.true(bytes <= most, `seed ${seed}: ${bytes} of ${most} bytes`);
  }
});

test("whoever lifts the cap goes faster, still in short trains", (t) => {
  const fast = { ...LAN, groupBitsPerSecond: 80_000_000 };
  const took = [LAN, fast].map((options) => {
    const w = world(1, { alice: options, bob: options });
    w.unicast.open = false;
    connect(w);
    const from = w.clock.now;
    exchange(t, w, 1_000_000, "capped or not");
    return w.clock.now - from;
  });
  const [capped = 0, lifted = 0] = took;
  t.true(capped >= 1_000_000 / CAP_BYTES_PER_MS, `${capped} ms`);
  t.true(lifted * 4 < capped, `${lifted} ms, ${capped} ms`);
});

test("a session in a group moves to unicast once that works, and stays there", (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const w = world(seed, { loss: 0.02 });
    w.unicast.open = false;
    const record = connect(w);
    if (record === undefined) return t.fail(`seed ${seed}: no session`);
    exchange(t, w, 20_000, `seed ${seed}, by the group`);
    w.clock.run(w.clock.now + w.random.below(60_000));
    w.unicast.open = true;
    for (let round = 0; round < 40; round++) {
      exchange(t, w, 1000, `seed ${seed}, round ${round}`);
      w.clock.run(w.clock.now + 1000);
    }
    t.deepEqual([record.address, w.bob.opened[0]?.address], [BOB, ALICE], `seed ${seed}`);
    const before = w.internet.groups.seen.length;
    exchange(t, w, 100_000, `seed ${seed}, by unicast`);
    t.is(w.internet.groups.seen.length, before, `seed ${seed}: nothing in the group any more`);
  }
});

test("where both work, the session is on unicast within a few round trips", (t) => {
  const w = world(1);
  const record = connect(w);
  w.clock.run(w.clock.now + 50);
  t.deepEqual([record?.address, w.bob.opened[0]?.address], [BOB, ALICE]);
});

test("when unicast dies, the session carries on by the group, and comes back", (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const w = world(seed, { loss: 0.02 });
    const record = connect(w);
    if (record === undefined) return t.fail(`seed ${seed}: no session`);
    w.clock.run(w.clock.now + 1000);
    t.is(record.address, BOB, `seed ${seed}`);
    for (let time = 0; time < 3; time++) {
      w.unicast.open = false;
      exchange(t, w, 50_000, `seed ${seed}, unicast dead, ${time}`);
      t.true(isGroup(record.address), `seed ${seed}: ${record.address}`);
      w.unicast.open = true;
      for (let round = 0; round < 70 && isGroup(record.address); round++) {
        exchange(t, w, 1000, `seed ${seed}, unicast back, ${time}`);
        w.clock.run(w.clock.now + 1000);
      }
      t.is(record.address, BOB, `seed ${seed}, ${time}`);
    }
    t.is(w.bob.opened.length, 1, `seed ${seed}`);
    t.is(w.alice.closes(record).length, 0, `seed ${seed}`);
  }
});

test("unicast that dies in one direction only is left by both", (t) => {
  for (const deaf of [ALICE, BOB]) {
    const w = world(3);
    const record = connect(w);
    w.clock.run(w.clock.now + 1000);
    w.internet.reaches = (_, to) => to !== deaf;
    exchange(t, w, 50_000, `${deaf} is deaf`);
    exchange(t, w, 50_000, `${deaf} is deaf, again`);
    t.true(isGroup(record?.address ?? ""), record?.address);
  }
});

test("peers that dial each other at once through both groups share one session", (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const w = world(seed, { loss: 0.1 });
    w.unicast.open = false;
    const first = w.alice.dial(w.bob, { byKey: true });
    w.clock.run(w.clock.now + w.random.below(3));
    const second = w.bob.dial(w.alice, { byKey: true });
    w.clock.run(20_000, () => first.record !== undefined && second.record !== undefined);
    exchange(t, w, 20_000, `seed ${seed}`);
    w.clock.run(w.clock.now + 10_000);
    t.deepEqual([w.alice.opened.length, w.bob.opened.length], [1, 1], `seed ${seed}`);
  }
});

test("of two processes with one key, a ticket reaches the one it names, a key reaches one of them", (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const w = world(seed);
    w.unicast.open = false;
    const twin = new Node(w.internet, primitives, "192.0.2.2:3000", w.bobSeed, LAN);
    const [named, other] = seed % 2 === 0 ? [twin, w.bob] : [w.bob, twin];
    const dialled = w.alice.dial(w.bob, { byKey: true, instance: named.instance });
    w.clock.run(5000, () => dialled.record !== undefined);
    w.clock.run(w.clock.now + 1000);
    t.deepEqual([named.opened.length, other.opened.length], [1, 0], `seed ${seed}`);
    const carol = new Node(w.internet, primitives, "192.0.2.3:1000", w.random.bytes(32), LAN);
    const any = carol.dial(w.bob, { byKey: true });
    w.clock.run(w.clock.now + 15_000);
    t.deepEqual(any.record?.peer.key, w.bob.identity.key);
    t.is(named.opened.length + other.opened.length, 2, `seed ${seed}: one of them, not both`);
  }
});

test("a process reaches another one of its own key, not itself", (t) => {
  const w = world(5);
  const twin = new Node(w.internet, primitives, "192.0.2.2:3000", w.bobSeed, LAN);
  const dialled = twin.dial(w.bob, { byKey: true });
  w.clock.run(5000);
  t.deepEqual(dialled.record?.peer.instance, w.bob.instance);
  t.deepEqual([w.bob.opened.length, twin.opened.length], [1, 1]);
});

test("groups wider than the link cross a router as far as the hop limit goes", (t) => {
  for (const hopLimit of [1, 2]) {
    const near = { hopLimit, ports: [{ interfaceName: "eth0", segment: "near" }] };
    const far = { hopLimit, ports: [{ interfaceName: "eth7", segment: "far" }] };
    const w = world(2, { alice: near, bob: far, loss: 0.05 });
    w.internet.groups.routers.push({ between: ["near", "far"] });
    w.unicast.open = false;
    const record = connect(w, 21_000);
    if (hopLimit === 1) {
      t.is(record, undefined);
      continue;
    }
    exchange(t, w, 50_000, "routed");
    t.regex(record?.address ?? "", /%eth0/);
    t.regex(w.bob.opened[0]?.address ?? "", /%eth7/);
  }
});

test("with several interfaces, the session goes by the one that leads to the peer", (t) => {
  const ports = ["a", "b", "c"].map((segment) => ({ interfaceName: `if-${segment}`, segment }));
  const bob = { ports: [{ interfaceName: "eth0", segment: "b" }] };
  const w = world(4, { alice: { ports }, bob });
  w.unicast.open = false;
  const record = connect(w);
  exchange(t, w, 20_000, "three interfaces");
  t.regex(record?.address ?? "", /%if-b/);
});

test("a peer behind a switch that forgot its groups is found by address, and a lost key by nothing", (t) => {
  const w = world(6);
  w.internet.groups.options = { delayMs: 1, forgetsAfterMs: 260_000 };
  w.clock.run(300_000);
  const dialled = w.alice.dial(w.bob);
  w.clock.run(w.clock.now + 1000);
  t.is(dialled.record?.address, BOB);
  const nobody = new Node(w.internet, primitives, "192.0.2.9:9", w.random.bytes(32));
  const lost = w.alice.dial(nobody, { byKey: true });
  w.clock.run(w.clock.now + 25_000);
  t.is(lost.error?.code, "MP2P_NO_ADDRESS");
  t.regex(lost.error?.message ?? "", /nobody on this network answers/);
  nobody.kill();
  const gone = w.alice.dial(nobody);
  w.clock.run(w.clock.now + 25_000);
  t.is(gone.error?.code, "MP2P_NO_PATH");
  t.regex(gone.error?.message ?? "", /multicast \[ff12::[^\]]+%eth0\]:6727/);
});

test("an attempt leaves the peer's groups when it is over, a session when it is", (t) => {
  const w = world(7);
  const own = w.alice.groups.groups.length;
  w.unicast.open = false;
  const nobody = new Node(w.internet, primitives, "192.0.2.9:9", w.random.bytes(32));
  const lost = w.alice.dial(nobody, { byKey: true });
  t.is(w.alice.groups.groups.length, own + 2);
  w.clock.run(w.clock.now + 25_000);
  t.truthy(lost.error);
  t.is(w.alice.groups.groups.length, own);
  const record = connect(w);
  if (record === undefined) return t.fail("no session");
  exchange(t, w, 1000, "in the group");
  t.is(w.alice.groups.groups.length, own + 1);
  record.engine.close(0, "", w.clock.now);
  w.alice.core.touch(record);
  w.alice.run();
  w.clock.run(w.clock.now + 30_000);
  t.is(w.alice.groups.groups.length, own);
});

test("an address that is heard of while an attempt runs is tried at once", (t) => {
  const w = world(8);
  w.internet.groups.reaches = () => false;
  const dialled = w.alice.dial(w.bob, { byKey: true });
  w.clock.run(3000);
  t.is(dialled.record, undefined);
  w.alice.core.addCandidates(w.random.bytes(32), [BOB]);
  w.clock.run(w.clock.now + 10);
  t.is(dialled.record, undefined, "another key's address is not ours");
  w.alice.core.addCandidates(w.bob.identity.key, [BOB, "224.0.0.1:5", "0.0.0.0:1"]);
  w.clock.run(w.clock.now + 10);
  t.is((dialled.record as SessionRecord | undefined)?.address, BOB);
});
