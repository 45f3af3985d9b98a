/** Membership of groups in virtual time: interfaces that come and go, switches that forget, systems that refuse. */
import test from "ava";
import fc from "fast-check";
import { parseAddress } from "../../src/base/address.ts";
import { ownGroups } from "../../src/multicast/group-address.ts";
import { Clock } from "../sim/clock.ts";
import { SimHost, SimMember } from "../sim/host.ts";
import { loadBackend } from "../support/backends.ts";
import { runs } from "../support/runs.ts";

const { primitives } = await loadBackend("fallback");
const IPV6 = "[ff12::8000:1]:6727";
const IPV4 = "239.255.7.7:6727";
const ETH0 = ["192.0.2.1/24", "fe80::1/64"];
const ETH1 = ["198.51.100.1/24", "fe80::2/64"];
/** A change of interfaces is believed and acted upon by then: one look in 5 s, another after 0.5 s. */
const NOTICED_MS = 5_600;
/** A refused join is tried again at the latest by then. */
const RETRIED_MS = 60_100;
/** What a switch forgot is reported anew by then, where nobody says that something is missing. */
const REFRESHED_MS = 125_600;
/** A group that is reported anew is left for so long. */
const AWAY_MS = 250;
const HOUR_MS = 3_600_000;

function hostWith(devices: Readonly<Record<string, readonly string[]>> = { eth0: ETH0 }): SimHost {
  const host = new SimHost(new Clock());
  for (const [name, addresses] of Object.entries(devices)) host.add(name, ...addresses);
  return host;
}

function member(host: SimHost, ...groups: readonly string[]): SimMember {
  const one = new SimMember(host, primitives);
  for (const group of groups) one.hub.keep(group);
  return one;
}

/** What the interfaces there are call for. */
function wanted(host: SimHost, groups: readonly string[]): string[] {
  const all = host.list().filter(({ addresses }) => addresses.length > 0);
  const outward = all.filter(({ isLoopback }) => !isLoopback);
  return (outward.length > 0 ? outward : all)
    .filter(({ name }) => !host.refusing.has(name))
    .flatMap(({ name, addresses }) =>
      groups
        .filter((group) => addresses.some((each) => each.family === parseAddress(group)?.family))
        .map((group) => `${name} ${group}`),
    )
    .sort();
}

function run(host: SimHost, ms: number): void {
  host.clock.run(host.clock.now + ms);
}

function isForwarded(host: SimHost, memberships: readonly string[]): boolean {
  return memberships.every((each) => {
    const [port = "", group = ""] = each.split(" ");
    return host.wire.forwards(port, group);
  });
}

test("interfaces that come, go, change their addresses or are made anew have their groups within 5.6 s", (t) => {
  const host = hostWith();
  const groups = [IPV6, IPV4];
  const one = member(host, ...groups);
  const steps: Readonly<Record<string, () => void>> = {
    "one more": () => host.add("eth1", ...ETH1),
    "an address more": () => host.readdress("eth0", ...ETH0, "203.0.113.9/24"),
    "IPv4 alone": () => host.readdress("eth0", "192.0.2.1/24"),
    "no address": () => host.readdress("eth0"),
    "its addresses again": () => host.readdress("eth0", ...ETH0),
    "cable pulled": () => host.setCarrier("eth1", false),
    "cable plugged in": () => host.setCarrier("eth1", true),
    gone: () => host.remove("eth1"),
    "another of that name within one look": () => {
      host.remove("eth0");
      host.add("eth0", ...ETH0);
    },
    "IPv6 off": () => {
      host.hasIpv6 = false;
    },
    "IPv6 on": () => {
      host.hasIpv6 = true;
    },
    "loopback alone": () => {
      host.add("lo", "127.0.0.1/8", "::1/128");
      host.remove("eth0");
    },
    "a network again": () => host.add("wlan0", ...ETH0),
  };
  t.deepEqual(one.memberships, wanted(host, groups));
  for (const [label, step] of Object.entries(steps)) {
    step();
    run(host, NOTICED_MS);
    t.deepEqual(one.memberships, wanted(host, groups), label);
    t.true(isForwarded(host, one.memberships), label);
  }
});

test("a cable pulled between two looks is noticed: the switch has forgotten the port", (t) => {
  const host = hostWith({ eth0: ETH0, eth1: ETH1 });
  const one = member(host, IPV6, IPV4);
  run(host, 1000);
  host.setCarrier("eth0", false);
  run(host, 1000);
  host.setCarrier("eth0", true);
  t.false(isForwarded(host, one.memberships));
  run(host, NOTICED_MS);
  t.true(isForwarded(host, one.memberships));
});

test("an interface that flaps without end costs little and keeps no other waiting", (t) => {
  const host = hostWith();
  const one = member(host, IPV6, IPV4);
  const flap = (count: number): void => {
    host.readdress("eth0", `192.0.2.${count % 200}/24`);
    host.clock.after(300, () => flap(count + 1));
  };
  flap(0);
  run(host, 20_000);
  const { runs: before } = one;
  const { calls } = host;
  host.add("eth1", ...ETH1);
  run(host, NOTICED_MS);
  t.deepEqual(
    one.memberships.filter((each) => each.startsWith("eth1")),
    wanted(host, [IPV6, IPV4]).filter((each) => each.startsWith("eth1")),
  );
  run(host, 60_000);
  t.true(one.runs - before < 200, `${one.runs - before} turns in 66 s`);
  t.true(host.calls - calls < 10, `${host.calls - calls} calls in 66 s`);
});

test("a switch that forgets is told again every 125 s, whoever else on this machine is in the group", (t) => {
  for (const starts of [[0], [0, 7_300], [0, 40_000, 119_999]]) {
    const host = hostWith({ eth0: ETH0, eth1: ETH1 });
    const members: SimMember[] = [];
    for (const at of starts) host.clock.after(at, () => members.push(member(host, IPV6, IPV4)));
    run(host, 130_000);
    let missing = 0;
    for (let second = 0; second < 3600; second++) {
      run(host, 1000);
      // Away for a moment is not forgotten.
      const all = members.flatMap((each) => each.memberships);
      if (!isForwarded(host, all)) missing++;
    }
    t.is(missing, 0, `${starts.length} endpoints`);
    host.wire.forget();
    run(host, REFRESHED_MS);
    t.true(isForwarded(host, wanted(host, [IPV6, IPV4])), `${starts.length} endpoints`);
  }
});

test("groups in which others are heard are left alone; what this machine says itself does not count", (t) => {
  const host = hostWith();
  const one = member(host, IPV6, IPV4);
  const talk = (group: string, source: string): void => {
    one.receive(group, "eth0", source);
    host.clock.after(10_000, () => talk(group, source));
  };
  talk(IPV6, "[fe80::99]:5000");
  talk(IPV4, "192.0.2.1:5000");
  const { calls } = host;
  run(host, HOUR_MS);
  const refreshes = (host.calls - calls) / 2;
  t.true(refreshes >= 28 && refreshes <= 29, `${refreshes} of one group`);
  t.true(one.hub.hasHeardOthers);
});

test("silence: left and joined at once, then other interfaces first, and at most once in 30 s", (t) => {
  const host = hostWith({ eth0: ETH0, eth1: ETH1 });
  const one = member(host);
  const joined = one.hub.join(IPV6);
  run(host, 40_000);
  t.deepEqual(joined.interfaces, ["eth0", "eth1"]);
  host.wire.forget();
  joined.silent();
  t.true(isForwarded(host, one.memberships), "at once");
  const { calls } = host;
  for (let times = 0; times < 50; times++) joined.silent();
  t.is(host.calls, calls);
  run(host, 10);
  one.receive(IPV6, "eth1", "[fe80::99]:5000");
  run(host, 31_000);
  joined.silent();
  t.deepEqual(joined.interfaces, ["eth1", "eth0"], "the one that was heard first");
  one.receive(IPV6, "eth0", "[fe80::99]:5000");
  t.deepEqual(joined.interfaces, ["eth0", "eth1"]);
  joined.leave();
  t.deepEqual(one.memberships, []);
});

test("a source that is not heard within 2 s is joined with all others; one that is stays alone", (t) => {
  const host = hostWith();
  const one = member(host);
  const group = "232.7.7.7:6727";
  one.hub.keep(group, "192.0.2.99");
  const talk = (): void => {
    one.receive(group, "eth0", "192.0.2.99:5000");
    host.clock.after(1000, talk);
  };
  talk();
  run(host, 30_000);
  one.receive(group, "eth0", "192.0.2.98:5000");
  t.is(host.calls, 1);
  const other = member(host);
  other.hub.keep(group, "192.0.2.97");
  run(host, 2100);
  t.is(host.calls, 4, "left, and joined for any");
});

test("joins that are refused are tried again, ever less often, and named until they succeed", (t) => {
  const host = hostWith({ eth0: ETH0, eth1: ETH1 });
  host.refusing.add("eth1");
  const groups = [IPV6, IPV4];
  const one = member(host, ...groups);
  t.deepEqual([...new Set(one.hub.refusals.map((each) => each.interfaceName))], ["eth1"]);
  t.deepEqual(one.hub.interfaces(), ["eth0"]);
  const { calls } = host;
  run(host, HOUR_MS);
  const others = 2 * 2 * 29;
  t.true(host.calls - calls - others <= 2 * 65, `${host.calls - calls} calls in an hour`);
  run(host, 50_000);
  host.refusing.clear();
  run(host, RETRIED_MS);
  t.deepEqual(one.memberships, wanted(host, groups));
  t.deepEqual(one.hub.refusals, []);

  host.refusing.add("eth0");
  host.refusing.add("eth1");
  const error = t.throws(() => one.hub.join("[ff12::8000:2]:6727"), { code: "MP2P_NO_MULTICAST" });
  t.truthy((error as { hint?: string }).hint);
  t.deepEqual(one.memberships, wanted(hostWith({ eth0: ETH0, eth1: ETH1 }), groups));
});

test("forty interfaces have all groups of a key; the room that lacks is taken when there is some", (t) => {
  const devices = Array.from({ length: 40 }, (_, at) => [
    `eth${at}`,
    [`10.7.${at}.1/24`, `fe80::${at + 1}/64`],
  ]);
  const host = hostWith(Object.fromEntries(devices));
  host.room = 150;
  const groups = ownGroups(new Uint8Array(32).fill(9), (data) => primitives.sha512(data));
  const one = member(host, ...groups);
  t.is(one.memberships.length, 150);
  host.room = Number.POSITIVE_INFINITY;
  run(host, RETRIED_MS);
  t.deepEqual(one.memberships, wanted(host, groups));
  t.is(one.memberships.length, 200);
  const { runs: before } = one;
  const { calls } = host;
  run(host, HOUR_MS);
  t.true(one.runs - before < 1500, `${one.runs - before} turns`);
  t.true(host.calls - calls <= 2 * 200 * 29, `${host.calls - calls} calls`);
});

test("not even our own packets come back: that is said of each interface and family, and taken back", (t) => {
  const host = hostWith({ eth0: ETH0, lo: ["127.0.0.1/8", "::1/128"] });
  const one = member(host, IPV6, IPV4);
  const deaf = () => one.hub.deaf.map((each) => `${each.interfaceName} ${each.family}`);
  run(host, HOUR_MS);
  t.deepEqual(deaf(), [], "nothing was sent");
  for (const group of [IPV6, IPV4]) one.hub.announce(group, new Uint8Array(8));
  one.receive(IPV6, "eth0", "[fe80::1%eth0]:5000");
  run(host, 400);
  t.deepEqual(deaf(), []);
  run(host, 200);
  t.deepEqual(deaf(), ["eth0 4"]);
  t.false(one.hub.hasHeardOthers);
  one.receive(IPV4, "eth0", "192.0.2.99:5000");
  t.deepEqual(deaf(), []);
});

const NAMES = ["eth0", "eth1", "wlan0", "lo"] as const;
const GROUPS = [IPV6, IPV4, "[ff15::8000:2]:6727"] as const;
const at = fc.constantFrom(...NAMES);
const step = fc.oneof(
  fc.record({ do: fc.constant("add" as const), name: at, n: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant("remove" as const), name: at }),
  fc.record({ do: fc.constant("pull" as const), name: at, ms: fc.integer({ min: 0, max: 7000 }) }),
  fc.record({ do: fc.constant("readdress" as const), name: at, n: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ do: fc.constant("refuse" as const), name: at, on: fc.boolean() }),
  fc.record({ do: fc.constant("room" as const), n: fc.integer({ min: 0, max: 6 }) }),
  fc.record({ do: fc.constant("ipv6" as const), on: fc.boolean() }),
  fc.record({ do: fc.constant("forget" as const) }),
  fc.record({ do: fc.constant("silent" as const) }),
  fc.record({ do: fc.constant("keep" as const), group: fc.constantFrom(...GROUPS) }),
  fc.record({ do: fc.constant("leave" as const), group: fc.constantFrom(...GROUPS) }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
const steps = fc.array(fc.tuple(step, fc.integer({ min: 0, max: 20_000 })), { maxLength: 30 });

const ADDRESSES = [
  [],
  ["192.0.2.1/24"],
  ["fe80::1/64"],
  ["192.0.2.2/24", "fe80::1/64", "2001:db8::1/64"],
] as const;

/** A host on which anything happens, with two endpoints. */
class Turmoil {
  readonly host = hostWith();
  readonly members = [member(this.host), member(this.host)] as const;
  readonly kept = this.members.map(() => new Map<string, () => void>());
  #turn = 0;

  take(each: Step): void {
    const { host } = this;
    const which = this.#turn++ % 2;
    const hub = this.members[which as 0 | 1].hub;
    const kept = this.kept[which] as Map<string, () => void>;
    if (each.do === "add" && !host.devices.has(each.name))
      host.add(each.name, ...(ADDRESSES[each.n] ?? []));
    if (each.do === "remove") host.remove(each.name);
    if (each.do === "readdress") host.readdress(each.name, ...(ADDRESSES[each.n] ?? []));
    if (each.do === "pull") {
      host.setCarrier(each.name, false);
      host.clock.after(each.ms, () => host.setCarrier(each.name, true));
    }
    if (each.do === "refuse") host.refusing[each.on ? "add" : "delete"](each.name);
    if (each.do === "room") host.room = each.n;
    if (each.do === "ipv6") host.hasIpv6 = each.on;
    if (each.do === "forget") host.wire.forget();
    if (each.do === "silent")
      for (const group of kept.keys()) {
        const again = hub.keep(group);
        again.silent(host.clock.now);
        again.leave();
        hub.changed();
      }
    if (each.do === "keep" && !kept.has(each.group)) {
      const one = hub.keep(each.group);
      kept.set(each.group, () => one.leave());
    }
    if (each.do === "leave") {
      kept.get(each.group)?.();
      kept.delete(each.group);
    }
  }
}

test("whatever happens to interfaces, in the end the memberships are those that the final ones call for", (t) => {
  fc.assert(
    fc.property(steps, (events) => {
      const turmoil = new Turmoil();
      const { host, members, kept } = turmoil;
      for (const [each, ms] of events) {
        turmoil.take(each);
        run(host, ms);
      }
      host.room = Number.POSITIVE_INFINITY;
      // The system refuses no more, which nothing tells us; what is down is up for good.
      host.refusing.clear();
      run(host, 7000 + NOTICED_MS + RETRIED_MS);
      run(host, REFRESHED_MS);
      const all = (which: number) =>
        wanted(host, [...(kept[which] as Map<string, unknown>).keys()]);
      const isWhole = () =>
        members.every((one, which) => one.memberships.join() === all(which).join());
      // A group may be left for a moment just now, to be reported anew.
      if (!isWhole()) run(host, AWAY_MS + 1);
      const turns = members[0].runs;
      for (const [which, each] of members.entries()) {
        t.deepEqual(each.memberships, all(which));
        t.true(isForwarded(host, each.memberships));
        t.deepEqual(each.hub.refusals, []);
      }
      run(host, 600_000);
      t.true(members[0].runs - turns < 200, "no busy loop");
      for (const each of kept) for (const leave of each.values()) leave();
      for (const each of members) t.deepEqual(each.memberships, []);
    }),
    { numRuns: runs(100) },
  );
});
