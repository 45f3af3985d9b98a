/** Casts made known and heard of on one simulated network, in virtual time. */
import test from "ava";
import { toHex } from "../../src/base/bytes.ts";
import { writeCast } from "../../src/multicast/announcement.ts";
import { CastAnnouncer } from "../../src/multicast/cast-announcer.ts";
import { CastListener, type HeardCast } from "../../src/multicast/cast-listener.ts";
import { lanGroups } from "../../src/multicast/group-address.ts";
import { Identity } from "../../src/noise/identity.ts";
import { GroupNet, type NetOptions, type SimHub } from "../sim/group-net.ts";
import { loadBackend } from "../support/backends.ts";

const { primitives } = await loadBackend("fallback");
const GROUPS = lanGroups(new Uint8Array(16), (data) => primitives.sha512(data));
const UNIX_MS = 1_700_000_000_000;
const ADDRESSES = ["192.0.2.7:5000", "[fe80::1]:9"];

class Lan {
  readonly net: GroupNet;

  constructor(options: NetOptions) {
    this.net = new GroupNet(primitives, options);
  }

  add(): { hub: SimHub; identity: Identity; instance: Uint8Array } {
    const identity = new Identity(this.net.primitives, this.net.random.bytes(32));
    const hub = this.net.hub(identity);
    for (const group of GROUPS) hub.join(group);
    return { hub, identity, instance: this.net.random.bytes(8) };
  }

  cast(sender: ReturnType<Lan["add"]>): { castId: Uint8Array; announcer: CastAnnouncer } {
    const castId = this.net.random.bytes(16);
    const announcer = new CastAnnouncer({
      ...sender,
      staticKey: sender.identity.staticPublic,
      castId,
      groups: GROUPS,
      addresses: () => ADDRESSES,
      unixMs: () => UNIX_MS + sender.hub.now(),
    });
    sender.hub.changed();
    return { castId, announcer };
  }

  /** What somebody who trusts these keys hears of. */
  listen(keys: readonly Uint8Array[]): HeardCast[] {
    const heard: HeardCast[] = [];
    const { hub, instance } = this.add();
    new CastListener({ hub, groups: GROUPS, instance }).follow(keys, (cast) => heard.push(cast));
    return heard;
  }

  run(ms: number): void {
    this.net.clock.run(this.net.clock.now + ms);
  }
}

test("those who trust the sender hear of its casts, whenever they come, and nobody else", (t) => {
  const lan = new Lan({ seed: 1, loss: 0.3 });
  const [sender, other] = [lan.add(), lan.add()];
  const early = lan.listen([sender.identity.key]);
  const stranger = lan.listen([other.identity.key]);
  const { castId, announcer } = lan.cast(sender);
  lan.run(2000);
  t.is(early.length, 1);
  t.like(early[0], { castId, key: sender.identity.key, instance: sender.instance });
  t.deepEqual(early[0]?.addresses, [sender.hub.address, "192.0.2.7:5000"]);
  const late = lan.listen([other.identity.key, sender.identity.key]);
  lan.run(5000);
  t.is(late.length, 1);
  lan.run(60_000);
  t.is(early.length, 2, "again after a minute, for whoever was interrupted");
  announcer.close();
  const after = lan.listen([sender.identity.key]);
  lan.run(120_000);
  t.deepEqual([after.length, early.length, stranger.length], [0, 2, 0]);
});

test("replays, forgeries and other groups bring nobody into a cast; old ones at most eight a minute", (t) => {
  const lan = new Lan({ seed: 2 });
  const [sender, attacker] = [lan.add(), lan.add()];
  const heard = lan.listen([sender.identity.key]);
  const sign = (message: Uint8Array) => sender.identity.sign(message);
  const said = (castId: Uint8Array, seq: number, group: string, ttlSeconds = 4) => {
    const { key, staticPublic: staticKey } = sender.identity;
    const { instance } = sender;
    const from = { key, staticKey, instance, seq, ttlSeconds, addresses: ADDRESSES };
    return writeCast(from, castId, group, sign);
  };
  const send = (packet: Uint8Array, group: string) => {
    const before = heard.length;
    attacker.hub.announce(group, packet);
    lan.run(10);
    return heard.length - before;
  };
  const [ipv6, ipv4] = GROUPS;
  const castId = lan.net.random.bytes(16);
  const packet = said(castId, 10, ipv6);
  t.is(send(packet, ipv4), 0, "another group");
  for (const at of [3, 60, 70, 85, 100, packet.length - 70, packet.length - 1]) {
    const forged = packet.slice();
    forged[at] = (forged[at] as number) ^ 1;
    t.is(send(forged, ipv6), 0, `byte ${at}`);
  }
  t.is(send(said(castId, 9, ipv6, 0), ipv6), 0, "one that is over");
  t.is(send(packet, ipv6), 1, "as it was signed");
  lan.run(61_000);
  t.is(send(packet, ipv6), 0, "replayed");
  const old = Array.from({ length: 20 }, () => lan.net.random.bytes(16));
  const told = old.filter((each) => send(said(each, 1, ipv6), ipv6) > 0).map(toHex);
  t.is(told.length, 8);
});

test("what an endpoint says itself is nothing it has heard of", (t) => {
  const lan = new Lan({ seed: 3 });
  const sender = lan.add();
  const heard: HeardCast[] = [];
  const { hub, identity, instance } = sender;
  const listener = new CastListener({ hub, groups: GROUPS, instance });
  const stop = listener.follow([identity.key], (cast) => heard.push(cast));
  lan.cast(sender);
  lan.run(5000);
  stop();
  t.is(heard.length, 0);
});
