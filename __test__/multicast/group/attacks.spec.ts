import test from "ava";
import { ascii, concat, equalBytes, toHex } from "../../../src/base/bytes.ts";
import { signPieces } from "../../../src/multicast/group/signing.ts";
import { parseGroupFrame, writeGroupFrame } from "../../../src/wire/group-frames.ts";
import {
  frameBy,
  GROUP,
  type Held,
  inject,
  keysHeld,
  primitives,
  slotOf,
  type Trio,
  trio,
} from "../../sim/group-insider.ts";
import { gather, newMember, type SimMember } from "../../sim/group-member.ts";
import { GroupNet, open, sealPacket } from "../../sim/group-net.ts";

test("an outsider's packets open nowhere", (t) => {
  const { net, alice, bob, mallory } = trio(1);
  const [held] = keysHeld(mallory, alice) as [Held];
  const wrong = { ...held, senderKey: net.random.bytes(32) };
  const cid = slotOf(alice, held).cid;
  inject(net, mallory, sealPacket(primitives, { ...slotOf(alice, wrong), cid }, 9, ascii("x")));
  inject(net, mallory, concat(Uint8Array.of(0x56), net.random.bytes(60)));
  t.is(bob.hub.unknown, 2);
  t.deepEqual(bob.delivered, []);
});

test("an insider who holds a member's keys cannot speak in its name", (t) => {
  const { net, alice, bob, mallory } = trio(2);
  const [held] = keysHeld(mallory, alice) as [Held];
  const frame = frameBy(mallory, held, 0, "alice says: obey");
  inject(net, mallory, sealPacket(primitives, slotOf(alice, held), 1000, frame));
  t.is(bob.engine.counters.forged, 1);
  t.deepEqual(bob.delivered, []);
  // The true message of that number still arrives.
  alice.say("no such thing");
  net.clock.run(net.clock.now + 50);
  t.deepEqual(bob.heard(alice), ["no such thing"]);
});

test("a piece moved to another place, salt or text of its batch is forged", (t) => {
  const { net, alice, bob, mallory } = trio(3);
  const [held] = keysHeld(mallory, alice) as [Held];
  const sign = (message: Uint8Array) => alice.hub.sign(message);
  const pieces = Array.from({ length: 5 }, (_, seq) => ({
    seq,
    index: 0,
    count: 1,
    data: ascii(`${seq}`),
  }));
  const context = { group: GROUP, run: held.run, epoch: held.epoch };
  const frames = signPieces(primitives, sign, context, pieces);
  let packet = 1000;
  let tried = 0;
  for (const bytes of frames) {
    const frame = parseGroupFrame(bytes);
    if (frame?.batch === undefined) throw new Error("not a batch");
    const { signature, batch, signed } = frame;
    const other = { ...batch, leaf: batch.leaf ^ 1 };
    const salted = { ...batch, salt: new Uint8Array(8) };
    const changed = concat(signed, ascii("!"));
    const forgeries = [
      writeGroupFrame(signature, other, signed),
      writeGroupFrame(signature, salted, signed),
      writeGroupFrame(signature, batch, changed),
      writeGroupFrame(signature, undefined, signed),
      writeGroupFrame(signature, { ...batch, path: batch.path.subarray(16) }, signed),
    ];
    for (const forgery of forgeries) {
      inject(net, mallory, sealPacket(primitives, slotOf(alice, held), packet++, forgery));
      // Checks of one stranger's signatures are rare.
      net.clock.run(net.clock.now + 150);
      tried++;
    }
  }
  const { forged, malformed } = bob.engine.counters;
  t.is(forged + malformed, tried);
  t.deepEqual(bob.delivered, []);
});

test("a message of another group, epoch or run is not taken here", (t) => {
  const { net, alice, bob, mallory } = trio(4);
  const [held] = keysHeld(mallory, alice) as [Held];
  const sign = (message: Uint8Array) => alice.hub.sign(message);
  const piece = { seq: 0, index: 0, count: 1, data: ascii("elsewhere") };
  const contexts = [
    { group: net.random.bytes(32), run: held.run, epoch: held.epoch },
    { group: GROUP, run: net.random.bytes(8), epoch: held.epoch },
    { group: GROUP, run: held.run, epoch: held.epoch + 1 },
  ];
  for (const [index, context] of contexts.entries()) {
    const [frame] = signPieces(primitives, sign, context, [piece]);
    const packet = sealPacket(primitives, slotOf(alice, held), 1000 + index, frame as Uint8Array);
    inject(net, mallory, packet);
  }
  t.is(bob.engine.counters.forged, contexts.length);
  t.deepEqual(bob.delivered, []);
});

test("what was said is delivered once, replayed as it was or sealed anew", (t) => {
  for (const reliable of [false, true]) {
    const { net, alice, bob, mallory } = trio(5, { reliable });
    const [held] = keysHeld(mallory, alice) as [Held];
    alice.say("once");
    net.clock.run(net.clock.now + 50);
    const packets = net.wire.filter(({ from, bytes }) => from === alice.hub && bytes[0] === 0x56);
    for (const { bytes } of packets) {
      const keys = slotOf(alice, held);
      inject(net, alice, bytes);
      inject(net, mallory, bytes);
      const plaintext = open(primitives, keys, bytes)?.plaintext as Uint8Array;
      inject(net, mallory, sealPacket(primitives, keys, 1000, plaintext));
    }
    t.deepEqual(bob.heard(alice), ["once"]);
    t.is(bob.hub.replayed, 1, "from where it came");
    t.is(bob.engine.counters.duplicates, 2, "from another address, and sealed anew");
  }
});

/** Whether any key of `of` that `by` was ever given opens any of these packets. */
function reads(by: SimMember, of: SimMember, packets: readonly { bytes: Uint8Array }[]): boolean {
  const held = keysHeld(by, of).map((each) => slotOf(of, each));
  return packets.some(({ bytes }) =>
    held.some((keys) => open(primitives, keys, bytes) !== undefined),
  );
}

test("who is removed, leaves or is lost cannot read what is said afterwards", (t) => {
  const ways: Record<string, (net: GroupNet, members: Trio) => void> = {
    removed: (_, { alice, bob, mallory }) => {
      alice.engine.remove(mallory.party.key);
      bob.engine.remove(mallory.party.key);
    },
    left: (_, { mallory }) => mallory.engine.close(),
    lost: (net, { mallory }) => {
      mallory.vanish();
      net.clock.run(net.clock.now + 25_000);
    },
  };
  for (const [way, goAway] of Object.entries(ways)) {
    const { net, ...members } = trio(7);
    const { alice, bob, mallory } = members;
    alice.say("before");
    net.clock.run(net.clock.now + 50);
    t.true(reads(mallory, alice, net.wire), `${way}: a member reads`);
    goAway(net, members);
    net.clock.run(net.clock.now + 50);
    const then = net.wire.length;
    alice.say("after");
    bob.say("after");
    net.clock.run(net.clock.now + 2000);
    const later = net.wire.slice(then).filter(({ bytes }) => bytes[0] === 0x56);
    t.true(later.length >= 2, way);
    for (const sender of [alice, bob]) t.false(reads(mallory, sender, later), way);
    t.deepEqual(bob.heard(alice), ["before", "after"], way);
    t.true(
      alice.events.some((event) => event.startsWith("left") && event.endsWith(way)),
      way,
    );
  }
});

test("who joins cannot read what was said before, even if it was recorded", (t) => {
  const { net, alice, bob } = trio(8);
  alice.say("before");
  net.clock.run(net.clock.now + 50);
  const before = net.wire.slice();
  const carol = newMember(net);
  for (const each of [alice, bob]) carol.meet(each);
  net.clock.run(net.clock.now + 3000);
  t.false(reads(carol, alice, before));
  alice.say("after");
  net.clock.run(net.clock.now + 50);
  t.deepEqual(carol.heard(alice), ["after"]);
  t.deepEqual(bob.heard(alice), ["before", "after"]);
});

test("a wrong secret is refused and learns nothing", (t) => {
  const net = new GroupNet(primitives, { seed: 9 });
  const secret = net.random.bytes(16);
  const inside = gather(net, 2, { secret, beacon: true });
  const [alice] = inside as [SimMember];
  const wrong = newMember(net, { secret: net.random.bytes(16), beacon: true });
  wrong.meet(alice);
  net.clock.run(net.clock.now + 100);
  alice.meet(wrong);
  net.clock.run(net.clock.now + 5000);
  t.is(alice.engine.members.length, 1);
  t.is(wrong.engine.members.length, 0);
  t.true(alice.refused >= 1);
  // All it ever sees is a proof that says nothing to who lacks the secret.
  t.deepEqual(
    wrong.records.map(({ record }) => record.type),
    ["hello"],
  );
});

test("a proof for one peer, direction or session is worth nothing to another", (t) => {
  const { net, alice, bob, mallory } = trio(10);
  const hello = bob.records.find(({ record }) => record.type === "hello")?.record;
  if (hello?.type !== "hello") throw new Error("nobody said hello");
  const exporter = net.random.bytes(64);
  const channel = (peer: SimMember, exporters: readonly Uint8Array[]) => ({
    peer: peer.party,
    opened: false,
    exporters,
    rttMs: 1,
    unsentBytes: 0,
    address: "",
    write: () => undefined,
    close: () => undefined,
  });
  t.false(alice.engine.knows(channel(mallory, [exporter]), hello));
  t.false(alice.engine.knows(channel(bob, [exporter]), hello));
  t.false(bob.engine.knows(channel(alice, [exporter]), hello));
});

test("who is not allowed does not become a member, from either side", (t) => {
  const net = new GroupNet(primitives, { seed: 11 });
  const carol = newMember(net);
  const allows = (key: Uint8Array) => !equalBytes(key, carol.party.key);
  const alice = newMember(net, { allows });
  carol.meet(alice);
  alice.meet(carol);
  net.clock.run(net.clock.now + 100);
  t.is(alice.engine.members.length + carol.engine.members.length, 0);
});

test("the owner's word removes a member everywhere, anybody else's only here", (t) => {
  const net = new GroupNet(primitives, { seed: 12 });
  const seed = net.random.bytes(32);
  const owner = primitives.ed25519PublicKey(seed);
  const chief = newMember(net, { owner, seed });
  const [alice, bob, carol] = Array.from({ length: 3 }, () => newMember(net, { owner })) as [
    SimMember,
    SimMember,
    SimMember,
  ];
  const all = [chief, alice, bob, carol];
  for (const [index, each] of all.entries())
    for (const other of all.slice(0, index)) each.meet(other);
  net.clock.run(net.clock.now + 100);
  alice.engine.remove(carol.party.key);
  net.clock.run(net.clock.now + 100);
  t.is(bob.engine.members.length, 3);
  chief.engine.remove(carol.party.key);
  net.clock.run(net.clock.now + 100);
  t.deepEqual(
    [chief, alice, bob, carol].map(({ engine }) => engine.members.length),
    [2, 2, 2, 0],
  );
  carol.meet(bob);
  net.clock.run(net.clock.now + 100);
  t.is(bob.engine.members.length, 2);
  t.true(toHex(chief.party.key) === toHex(owner));
});
