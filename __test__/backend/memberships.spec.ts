/** The fallback's way of telling by which membership a datagram came, from its source alone. */
import type { RemoteInfo } from "node:dgram";
import type { NetworkInterfaceInfo } from "node:os";
import test from "ava";
import fc from "fast-check";
import { GroupDropLog } from "../../src/backend/fallback/group-drops.ts";
import { GroupReceiver } from "../../src/backend/fallback/group-receiver.ts";
import { Interfaces } from "../../src/backend/fallback/interfaces.ts";
import { Memberships } from "../../src/backend/fallback/memberships.ts";
import type { UdpPort } from "../../src/backend/fallback/udp-port.ts";
import { runs } from "../support/runs.ts";

const GROUP = "239.255.1.1";

function interfaceOf(...cidrs: readonly string[]): NetworkInterfaceInfo[] {
  return cidrs.map((cidr) => {
    const address = cidr.replace(/\/.*/, "");
    const rest = { address, netmask: "", mac: "", internal: address === "127.0.0.1", cidr };
    return cidr.includes(":")
      ? { ...rest, family: "IPv6" as const, scopeid: 0 }
      : { ...rest, family: "IPv4" as const };
  });
}

const NETWORKS = {
  eth0: interfaceOf("192.0.2.9/24", "2001:db8:0:1::9/64", "fe80::9/64"),
  wlan0: interfaceOf("192.0.2.77/24", "fe80::77/64"),
  eth1: interfaceOf("198.51.100.1/25"),
};

function open(networks: () => NodeJS.Dict<NetworkInterfaceInfo[]> = () => NETWORKS) {
  const memberships = new Memberships(new Interfaces(networks));
  const receiverOf = (numbers: readonly number[], interfaceName?: string): GroupReceiver => {
    const reception = { group: GROUP, interface: interfaceName, source: undefined };
    const receiver = new GroupReceiver({} as UdpPort, reception, memberships);
    for (const number of numbers) receiver.keep(number, "");
    return receiver;
  };
  return { memberships, receiverOf };
}

function from(address: string): RemoteInfo {
  return { address, family: address.includes(":") ? "IPv6" : "IPv4", port: 9, size: 0 };
}

test("a source belongs to the interface in whose network it is", (t) => {
  const { memberships, receiverOf } = open();
  const joined = ["eth0", "eth1"].map((name) => memberships.add(GROUP, name, undefined));
  const receiver = receiverOf(joined.map(({ number }) => number));
  for (const [source, name] of [
    ["192.0.2.200", "eth0"],
    ["198.51.100.126", "eth1"],
    ["2001:db8:0:1:ffff::1", "eth0"],
    ["fe80::1%eth1", "eth1"],
    ["203.0.113.1", "eth0"],
    ["198.51.100.129", "eth0"],
    ["2001:db8:0:2::1", "eth0"],
  ] as const) {
    t.like(receiver.heard(from(source), 0), { interface: name }, source);
  }
});

test("a source of a network that was not joined is a stray, one of two networks is not", (t) => {
  const { memberships, receiverOf } = open();
  const { number } = memberships.add(GROUP, "wlan0", undefined);
  const receiver = receiverOf([number]);
  t.is(receiver.heard(from("198.51.100.5"), 0), "stray");
  t.is(receiver.heard(from("fe80::5%eth1"), 0), "stray");
  t.like(receiver.heard(from("192.0.2.5"), 0), { number }, "eth0 and wlan0 are on one network");
});

test("of several sockets of a group one takes a datagram, and one counts a stray", (t) => {
  const { memberships, receiverOf } = open();
  const here = memberships.add(GROUP, "eth0", undefined);
  const there = memberships.add(GROUP, "wlan0", "192.0.2.5");
  const receivers = [receiverOf([here.number]), receiverOf([there.number])] as const;
  const heard = (source: string) => receivers.map((receiver) => receiver.heard(from(source), 0));
  t.deepEqual(heard("192.0.2.5"), ["copy", there]);
  t.deepEqual(heard("192.0.2.6"), [here, "copy"]);
  t.deepEqual([...heard("198.51.100.5")].sort(), ["copy", "stray"]);
  t.like(receiverOf([here.number], "eth0").heard(from("198.51.100.5"), 0), here);
});

test("verdicts are not kept longer than what they go by", (t) => {
  let networks: NodeJS.Dict<NetworkInterfaceInfo[]> = { eth0: NETWORKS.eth0, eth1: NETWORKS.eth1 };
  const { memberships, receiverOf } = open(() => networks);
  const here = memberships.add(GROUP, "eth0", undefined);
  const receiver = receiverOf([here.number]);
  t.is(receiver.heard(from("198.51.100.5"), 0), "stray");
  networks = { eth0: NETWORKS.eth1 };
  t.is(receiver.heard(from("198.51.100.5"), 4_000), "stray");
  t.is(receiver.heard(from("198.51.100.5"), 5_000), here);
  memberships.remove(here.number);
  t.is(receiver.heard(from("198.51.100.5"), 5_001), "stray");
  const anew = memberships.add(GROUP, "eth0", undefined);
  receiver.keep(anew.number, "");
  t.is(receiver.heard(from("198.51.100.5"), 5_002), anew);
});

test("a thousand and twenty-four memberships, then none; a number rests before it is used anew", (t) => {
  const { memberships } = open();
  const numbers = Array.from({ length: 1_024 }, (_, at) =>
    memberships.add(`${at}`, "eth0", undefined),
  );
  t.throws(() => memberships.add("more", "eth0", undefined), { code: "MP2P_LIMIT" });
  t.is(memberships.remove(numbers[7]?.number as number), numbers[7]);
  t.is(memberships.remove(numbers[7]?.number as number), undefined);
  let number = memberships.add("more", "eth0", undefined).number;
  t.is(number, 1_025);
  while (number > 1_024) {
    memberships.remove(number);
    number = memberships.add("more", "eth0", undefined).number;
  }
  t.is(number, 8, "the first that is free after 65,535");
});

test("whatever floods, the sources that drop most are reported, and no more than 256", (t) => {
  const flood = fc.array(fc.nat({ max: 100_000 }), { minLength: 300, maxLength: 2_000 });
  const property = fc.property(flood, (strangers) => {
    const log = new GroupDropLog();
    for (const [at, stranger] of strangers.entries()) {
      log.count(`${stranger}`, "eth0", "droppedUnknown");
      if (at % 10 === 0) log.count("busy", "eth0", "droppedForged");
      log.count("nobody", "eth0", "droppedMalformed");
    }
    const all = log.busiest();
    t.true(all.length <= 256);
    const busy = Math.ceil(strangers.length / 10);
    t.deepEqual(
      all.find(({ source }) => source === "busy"),
      {
        source: "busy",
        interface: "eth0",
        unknown: 0,
        forged: busy,
        replayed: 0,
      },
    );
    t.false(all.some(({ source }) => source === "nobody"));
  });
  fc.assert(property, { numRuns: runs(20) });
});
