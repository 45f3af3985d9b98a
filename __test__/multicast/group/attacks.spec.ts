import test from "ava";
import { ascii, concat, equalBytes, toHex } from "../../../src/base/bytes.ts";
import { senderSlotKeys } from "../../../src/multicast/group/sender-keys.ts";
import { signPieces } from "../../../src/multicast/group/signing.ts";
import { groupKeys } from "../../../src/multicast/group/terms.ts";
import { parseGroupFrame, writeGroupFrame } from "../../../src/wire/group-frames.ts";
import {
  gather,
  newMember,
  type SimMember,
  type SimMemberOptions,
} from "../../sim/group-member.ts";
import { GroupNet, open, sealPacket, type WirePacket } from "../../sim/group-net.ts";
import { testPrimitives } from "../../support/primitives.ts";

const [[, primitives]] = (await testPrimitives()) as [
  Awaited<ReturnType<typeof testPrimitives>>[0],
];
const NOTHING = new Uint8Array(0);
const GROUP = groupKeys(primitives, { name: ascii("sim"), secret: NOTHING, owner: NOTHING }).id;

interface Trio {
  readonly alice: SimMember;
  readonly bob: SimMember;
  readonly mallory: SimMember;
}

interface Held {
  readonly run: Uint8Array;
  readonly epoch: number;
  readonly senderKey: Uint8Array;
}

/** The keys of one member that another was ever given, oldest first. */
function keysHeld(by: SimMember, of: SimMember): Held[] {
  let run: Uint8Array = NOTHING;
  const held: Held[] = [];
  for (const { from, record } of by.records) {
    if (!equalBytes(from.key, of.party.key)) continue;
    if (record.type === "hello" || record.type === "welcome") run = record.run;
    if (record.type === "key") held.push({ run, epoch: record.epoch, senderKey: record.key });
  }
  return held;
}

function slotOf(of: SimMember, { run, epoch, senderKey }: Held, group = GROUP) {
  return senderSlotKeys(primitives, { group, key: of.party.key, run, epoch, senderKey });
}

/** A frame in the name of `of`, signed by whoever `signer` is. */
function frameBy(signer: SimMember, { run, epoch }: Held, seq: number, text: string): Uint8Array {
  const sign = (message: Uint8Array) => signer.hub.sign(message);
  const piece = { seq, index: 0, count: 1, data: ascii(text) };
  const [frame] = signPieces(primitives, sign, { group: GROUP, run, epoch }, [piece]);
  return frame as Uint8Array;
}

function inject(net: GroupNet, from: SimMember, bytes: Uint8Array): void {
  for (const hub of net.hubs) if (hub !== from.hub) hub.arrive({ from: from.hub, to: "", bytes });
}

function trio(seed: number, options: SimMemberOptions = {}): Trio & { readonly net: GroupNet } {
  const net = new GroupNet(primitives, { seed });
  net.recording = true;
  const [alice, bob, mallory] = gather(net, 3, options) as [SimMember, SimMember, SimMember];
  return { net, alice, bob, mallory };
}

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
        const from = Object.assign(Object.create(alice.hub) as typeof alice.hub, {
          address: `198.51.100.7:${net.random.below(20)}`,
        });
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

test("hostile bytes under a member's own keys are counted and change nothing", (t) => {
  const { net, alice, bob, mallory } = trio(6);
  const [held] = keysHeld(alice, mallory) as [Held];
  for (let packet = 0; packet < 300; packet++) {
    const bytes = net.random.bytes(net.random.below(200));
    if (packet % 2 === 0) bytes[0] = 0x18;
    inject(net, mallory, sealPacket(primitives, slotOf(mallory, held), packet, bytes));
  }
  const { forged, malformed, duplicates } = bob.engine.counters;
  t.is(forged + malformed + duplicates, 300);
  t.deepEqual(bob.delivered, []);
  mallory.say("honest for once");
  alice.say("still here");
  net.clock.run(net.clock.now + 50);
  t.deepEqual(bob.heard(alice), ["still here"]);
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
