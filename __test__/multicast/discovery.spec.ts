/** Announcers and searchers on one simulated network, in virtual time. */
import test from "ava";
import { equalBytes } from "../../src/base/bytes.ts";
import { writePeer } from "../../src/multicast/announcement.ts";
import { Announcer } from "../../src/multicast/announcer.ts";
import { Crowd } from "../../src/multicast/crowd.ts";
import { Discovery } from "../../src/multicast/discovery.ts";
import { lanGroups } from "../../src/multicast/group-address.ts";
import type { Sighting } from "../../src/multicast/sighting.ts";
import { Identity } from "../../src/noise/identity.ts";
import { GroupNet, type NetOptions, type SimHub } from "../sim/group-net.ts";
import { loadBackend } from "../support/backends.ts";
import { runs } from "../support/runs.ts";

const { primitives } = await loadBackend("fallback");
const NETWORK = new Uint8Array(16);
const GROUPS = lanGroups(NETWORK, (data) => primitives.sha512(data));
const UNIX_MS = 1_700_000_000_000;

interface Here {
  readonly hub: SimHub;
  readonly identity: Identity;
  readonly instance: Uint8Array;
  readonly discovery: Discovery;
  announcer: Announcer | undefined;
}

class Lan {
  readonly net: GroupNet;

  constructor(options: NetOptions) {
    this.net = new GroupNet(primitives, options);
  }

  /** One more endpoint, announced unless told otherwise. */
  add(options: { readonly mode?: "on" | "private" | "silent"; readonly seed?: number } = {}): Here {
    const { random } = this.net;
    const seed =
      options.seed === undefined ? random.bytes(32) : new Uint8Array(32).fill(options.seed);
    const identity = new Identity(this.net.primitives, seed);
    const hub = this.net.hub(identity);
    for (const group of GROUPS) hub.join(group);
    const crowd = new Crowd();
    const instance = random.bytes(8);
    const shared = { hub, network: NETWORK, instance, groups: GROUPS, crowd };
    const discovery = new Discovery(shared);
    hub.attach(discovery);
    const { mode = "on" } = options;
    const announcer = new Announcer({
      ...shared,
      staticKey: identity.staticPublic,
      isPrivate: mode === "private",
      addresses: () => ["192.0.2.250:7", "127.0.0.1:9", "[fe80::1]:9", GROUPS[0]],
      unixMs: () => UNIX_MS + hub.now(),
    });
    if (mode !== "silent") {
      hub.attach(announcer);
      hub.changed();
    }
    return { hub, identity, instance, discovery, announcer };
  }

  run(ms: number, done?: () => boolean): boolean {
    return this.net.clock.run(this.net.clock.now + ms, done);
  }
}

/** Everything found, and how long it took to find the first. */
function search(lan: Lan, here: Here, key: Uint8Array | undefined, ms: number) {
  const found: Sighting[] = [];
  const startedAt = lan.net.clock.now;
  const stop = here.discovery.search(key, (sighting) => found.push(sighting));
  lan.run(ms, () => key !== undefined && found.length > 0);
  stop();
  return { found, tookMs: lan.net.clock.now - startedAt };
}

for (const mode of ["on", "private"] as const) {
  test(`a key is found by asking, with announcements ${mode}, clean and with 30 % loss`, (t) => {
    const times = { 0: [] as number[], 0.3: [] as number[] };
    for (const loss of [0, 0.3] as const) {
      for (let seed = 0; seed < runs(11); seed++) {
        const lan = new Lan({ seed, loss });
        const peer = lan.add({ mode });
        const seeker = lan.add({ mode: "silent" });
        lan.run(3000);
        const { found, tookMs } = search(lan, seeker, peer.identity.key, 10_000);
        t.is(found.length, 1);
        t.deepEqual(found[0]?.staticKey, peer.identity.staticPublic);
        t.deepEqual(found[0]?.addresses, [peer.hub.address, "192.0.2.250:7"]);
        t.deepEqual(found[0]?.groups, [GROUPS[0]]);
        times[loss].push(tookMs);
      }
    }
    const median = (list: number[]) => list.sort((a, b) => a - b)[list.length >> 1] as number;
    t.true(median(times[0]) <= 500 && Math.max(...times[0]) <= 1200, `${times[0]}`);
    t.true(median(times[0.3]) <= 1500, `${times[0.3]}`);
  });
}

test("who does not know a private key sees nobody, and everyone else is seen", (t) => {
  const lan = new Lan({ seed: 1 });
  const hidden = lan.add({ mode: "private" });
  const open = [lan.add(), lan.add()];
  const stranger = lan.add({ mode: "silent" });
  const seen = search(lan, stranger, undefined, 3000).found;
  const whose = ({ key }: Sighting) =>
    open.findIndex(({ identity }) => equalBytes(identity.key, key));
  t.deepEqual([...new Set(seen.map(whose))].sort(), [0, 1]);
  stranger.discovery.follow([hidden.identity.key]);
  const { found } = search(lan, stranger, undefined, 8000);
  t.true(found.some(({ key }) => equalBytes(key, hidden.identity.key)));
});

test("a network of any size stays near 20 announcements a second, and each is heard in its time", (t) => {
  for (const size of [2, 40, runs(1) > 1 ? 300 : 120]) {
    const lan = new Lan({ seed: size });
    for (let count = 0; count < size; count++) lan.add();
    // Until everybody has heard of everybody, they speak as often as in a small network.
    lan.run(12_000);
    const before = lan.net.packets;
    lan.run(15_000);
    // Each is sent to two groups.
    const perSecond = (lan.net.packets - before) / 2 / 15;
    t.true(perSecond <= 22, `${size} endpoints: ${perSecond}`);
    t.true(perSecond >= Math.min(0.15 * size, 15), `${size} endpoints: ${perSecond}`);
  }
});

test("a flood of queries is answered once a second, and never with more than was asked", (t) => {
  const lan = new Lan({ seed: 5 });
  const peer = lan.add();
  const asker = lan.add({ mode: "silent" });
  lan.run(10_000);
  lan.net.recording = true;
  const stops = Array.from({ length: 50 }, () =>
    asker.discovery.search(undefined, () => undefined),
  );
  lan.run(5000);
  for (const stop of stops) stop();
  const sent = (hub: SimHub) => lan.net.wire.filter(({ from }) => from === hub);
  t.true(sent(asker.hub).length > 200);
  t.true(sent(peer.hub).length <= 2 * 7, `${sent(peer.hub).length}`);
  const longest = Math.max(...sent(peer.hub).map(({ bytes }) => bytes.length));
  t.true(longest < Math.min(...sent(asker.hub).map(({ bytes }) => bytes.length)));
});

test("replays, forgeries and what belongs to another group change nothing", (t) => {
  const lan = new Lan({ seed: 6 });
  const peer = lan.add({ mode: "silent" });
  const seeker = lan.add({ mode: "silent" });
  const attacker = lan.net.hub(new Identity(primitives, new Uint8Array(32).fill(66)));
  const [ipv6, ipv4] = GROUPS;
  const sign = (message: Uint8Array) => peer.identity.sign(message);
  const said = (seq: number, group: string) =>
    writePeer(
      {
        key: peer.identity.key,
        staticKey: peer.identity.staticPublic,
        instance: peer.instance,
        seq,
        ttlSeconds: 15,
        addresses: [],
      },
      group,
      sign,
    );
  const found: Sighting[] = [];
  seeker.discovery.search(peer.identity.key, (sighting) => found.push(sighting));
  const send = (packet: Uint8Array, group: string) => {
    const before = found.length;
    attacker.announce(group, packet);
    lan.run(10);
    return found.length - before;
  };
  const first = said(10, ipv6);
  t.is(send(first, ipv4), 0, "another group");
  const forged = first.slice();
  forged[85] = (forged[85] as number) ^ 1;
  t.is(send(forged, ipv6), 0, "another ttl");
  t.is(send(first, ipv6), 1, "as it was signed");
  t.is(send(first, ipv6), 0, "again");
  t.is(send(said(9, ipv6), ipv6), 0, "older");
  t.is(send(said(10, ipv4), ipv4), 0, "the same by the other family");
  t.is(send(said(11, ipv4), ipv4), 1, "newer");
  const ours = seeker.identity.key;
  t.is(seeker.discovery.known(ours), undefined);
});

test("made-up keys cost 50 verifications a second and 1,024 places in memory, no more", (t) => {
  const lan = new Lan({ seed: 7 });
  const seeker = lan.add({ mode: "silent" });
  const mallory = new Identity(primitives, new Uint8Array(32).fill(66));
  const attackers = Array.from({ length: 6 }, () => lan.net.hub(mallory));
  let verified = 0;
  const stop = seeker.discovery.search(undefined, () => verified++);
  const identity = new Identity(primitives, new Uint8Array(32).fill(7));
  const [group] = GROUPS;
  const sent = { packets: 0 };
  for (let ms = 0; ms < 4000; ms += 5) {
    const instance = lan.net.random.bytes(8);
    const announcement = {
      key: identity.key,
      staticKey: identity.staticPublic,
      instance,
      seq: 1,
      ttlSeconds: 60,
      addresses: [],
    };
    lan.net.clock.after(ms, () => {
      const attacker = attackers[sent.packets++ % attackers.length] as SimHub;
      attacker.announce(
        group,
        writePeer(announcement, group, (message) => identity.sign(message)),
      );
    });
  }
  lan.run(4000);
  stop();
  t.is(sent.packets, 800);
  t.true(verified >= 200 && verified <= 50 + 4 * 50, `${verified}`);
});

test("a host that forges announcements of a key without end does not hide whose it is", (t) => {
  const lan = new Lan({ seed: 9 });
  const peer = lan.add();
  const attacker = lan.add({ mode: "silent" });
  const seeker = lan.add({ mode: "silent" });
  const [group] = GROUPS;
  for (let ms = 0; ms < 2000; ms++) {
    const announcement = {
      key: peer.identity.key,
      staticKey: attacker.identity.staticPublic,
      instance: lan.net.random.bytes(8),
      seq: 1,
      ttlSeconds: 60,
      addresses: [],
    };
    const forged = writePeer(announcement, group, () => new Uint8Array(64));
    lan.net.clock.after(ms, () => attacker.hub.announce(group, forged));
  }
  lan.run(500);
  t.is(search(lan, seeker, peer.identity.key, 1000).found.length, 1);
});

test("who says goodbye is forgotten at once, who falls silent when its time is over", (t) => {
  const lan = new Lan({ seed: 8 });
  const [polite, cut, seeker] = [lan.add(), lan.add(), lan.add({ mode: "silent" })];
  seeker.discovery.follow([polite.identity.key, cut.identity.key]);
  lan.run(3000);
  const isKnown = (here: Here) => seeker.discovery.known(here.identity.key) !== undefined;
  t.true(isKnown(polite) && isKnown(cut));
  polite.announcer?.close();
  cut.hub.loss = 1;
  lan.net.loss = 0;
  lan.run(5);
  t.false(isKnown(polite));
  t.true(isKnown(cut));
});
