/**
 * Groups in bad surroundings, on real interfaces: many of them, some without multicast or without IPv6, firewalls,
 * addresses and cables that change while endpoints run. What cannot run here is skipped and says why.
 */
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { Identity } from "../../src/endpoint/identity.ts";
import type { DiscoveryOptions } from "../../src/endpoint/options.ts";
import { availableKinds, groupsMissing, type Kind } from "../support/backends.ts";
import { Hosts, namespacesMissing } from "../support/namespaces.ts";
import { Process } from "../support/process.ts";
import { testWhere } from "../support/where.ts";
import { scratch } from "../transfer/support.ts";

const CHILD = fileURLToPath(new URL("./surroundings-child.js", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const missing = namespacesMissing();
/** A look at the interfaces each 5 s, and another after 0.5 s. */
const NOTICED_MS = 6_000;

/** The key of nobody here. */
const NOBODY = (await Identity.generate()).keyText;

interface Info {
  readonly interfaces: readonly string[];
  readonly refused: readonly string[];
  readonly deaf: readonly { readonly interfaceName: string; readonly family: 4 | 6 }[];
  readonly trouble?: string;
}

interface Outcome {
  readonly path?: string;
  readonly ms?: number;
  readonly code?: string;
  readonly hint?: string;
}

class Node {
  readonly #process: Process;
  #key: Promise<string> | undefined;
  #asked = 0;

  constructor(
    t: ExecutionContext,
    hosts: Hosts,
    host: string,
    kind: Kind,
    discovery: DiscoveryOptions = {},
  ) {
    const command = hosts.inside(host, process.execPath, CHILD, JSON.stringify(discovery));
    this.#process = new Process(t, command, { MP2P_BACKEND: kind });
  }

  get key(): Promise<string> {
    this.#key ??= this.#process.line("ready ").then((text) => JSON.parse(text));
    return this.#key;
  }

  async ask<Answer>(question: string): Promise<Answer> {
    const number = ++this.#asked;
    this.#process.say(`${number} ${question}`);
    return JSON.parse(await this.#process.line(`${number} `));
  }

  async reaches(other: Node, ms = 10_000): Promise<Outcome> {
    return this.ask(`connect ${await other.key} ${ms}`);
  }
}

interface LastEvent {
  readonly t: string;
  readonly code?: string;
  readonly hint?: string;
  readonly checks?: readonly Check[];
}

interface Check {
  readonly name: string;
  readonly result: string;
  readonly fix?: string;
}

/** What `mp2p` says last on host 1, as JSON. */
async function commandLine(
  t: ExecutionContext,
  hosts: Hosts,
  kind: Kind,
  ...words: readonly string[]
): Promise<LastEvent> {
  const env = { MP2P_BACKEND: kind, MP2P_HOME: await scratch(t) };
  const command = hosts.inside("1", process.execPath, PROGRAM, ...words, "--json");
  const child = new Process(t, command, env);
  // An error is its own exit code.
  await child.output().catch(() => undefined);
  return JSON.parse(child.lines.at(-1) ?? "{}");
}

/** What `mp2p doctor` says of groups on host 1. */
async function multicastCheck(
  t: ExecutionContext,
  hosts: Hosts,
  kind: Kind,
): Promise<Check | undefined> {
  const { checks } = await commandLine(t, hosts, kind, "doctor");
  return checks?.find(({ name }) => name === "multicast");
}

async function started(...nodes: readonly Node[]): Promise<void> {
  await Promise.all(nodes.map(({ key }) => key));
}

const kinds = await availableKinds();
const noGroups = await groupsMissing();

for (const kind of kinds) {
  const testHere = (title: string, run: (t: ExecutionContext, hosts: Hosts) => Promise<void>) => {
    const between = async (t: ExecutionContext) => {
      const hosts = Hosts.onBridge(2);
      t.teardown(() => hosts.close());
      await run(t, hosts);
    };
    testWhere([missing, noGroups.get(kind)], `${kind}: ${title}`, between, test);
  };
  const pair = async (t: ExecutionContext, hosts: Hosts) => {
    const nodes = [new Node(t, hosts, "1", kind), new Node(t, hosts, "2", kind)] as const;
    await started(...nodes);
    return nodes;
  };

  testHere("forty interfaces: all take part, and a peer is found behind one", async (t, hosts) => {
    const numbers = Array.from({ length: 39 }, (_, n) => n + 1);
    const adding = numbers.flatMap((n) => [
      `link add d${n} type veth peer name x${n} netns ${hosts.name("bridge")}`,
      `link set d${n} up`,
      `addr add 10.99.${n}.1/24 dev d${n}`,
    ]);
    hosts.ip("1", ...adding);
    hosts.ip("bridge", ...numbers.map((n) => `link set x${n} up`));
    const [here, there] = await pair(t, hosts);
    const { interfaces, refused } = await here.ask<Info>("info");
    t.is(interfaces.length, 40);
    t.deepEqual(refused, []);
    t.is((await here.reaches(there)).code, undefined);
    t.is((await there.reaches(here)).code, undefined);
  });

  testHere("interfaces without multicast are left out unless named", async (t, hosts) => {
    hosts.ip("1", `link add d1 type veth peer name x1 netns ${hosts.name("bridge")}`);
    hosts.ip("bridge", "link set x1 up");
    hosts.ip("1", "link set d1 up multicast off");
    hosts.ip("1", "addr add 10.99.1.1/24 dev d1");
    const named = new Node(t, hosts, "1", kind, { interfaces: ["d1"] });
    const [here, there] = await pair(t, hosts);
    t.is((await here.reaches(there)).code, undefined);
    t.deepEqual((await here.ask<Info>("info")).interfaces, ["e0"]);
    t.deepEqual((await named.ask<Info>("info")).interfaces, ["d1"]);
    hosts.ip("1", "link set e0 multicast off");
    await delay(NOTICED_MS);
    const { code, hint = "" } = await here.ask<Outcome>(`connect ${NOBODY} 1000`);
    t.is(code, "MP2P_NO_ADDRESS");
    t.regex(
      hint,
      /no interface of this device takes part in multicast \(e0 .*; d1 .*\): .* ticket/,
    );
  });

  testHere("where no interface takes part, nobody is not the answer", async (t, hosts) => {
    hosts.ip("1", "link set e0 multicast off");
    const [peers, check] = await Promise.all([
      commandLine(t, hosts, kind, "peers", "--nearby", "--wait", "1"),
      multicastCheck(t, hosts, kind),
    ]);
    t.like(peers, { t: "error", code: "MP2P_NO_MULTICAST" });
    t.regex(peers.hint ?? "", /e0 carries none/);
    t.is(check?.result, "warn");
    t.is(check?.fix, undefined, "no firewall");
  });

  testHere("without IPv6, at one end or both, peers find each other by IPv4", async (t, hosts) => {
    hosts.sysctl("1", "net.ipv6.conf.all.disable_ipv6=1");
    const [here, there] = await pair(t, hosts);
    t.is((await here.reaches(there)).code, undefined);
    t.is((await there.reaches(here)).code, undefined);
    t.deepEqual((await here.ask<Info>("info")).refused, []);
    hosts.sysctl("2", "net.ipv6.conf.all.disable_ipv6=1");
    const [third, fourth] = await pair(t, hosts);
    t.is((await third.reaches(fourth)).code, undefined);
  });

  testHere("an address, an interface and a cable that change are followed", async (t, hosts) => {
    const [here, there] = await pair(t, hosts);
    hosts.ip("1", "addr flush dev e0");
    hosts.ip("1", "addr add 10.78.0.101/24 dev e0");
    hosts.ip("1", "addr add fd78::101/64 dev e0 nodad");
    await delay(NOTICED_MS);
    t.is((await there.reaches(here)).code, undefined, "another address");
    const sent = reports(hosts, "1");
    hosts.ip("bridge", "link set p1 down");
    await delay(300);
    hosts.ip("bridge", "link set p1 up");
    const third = new Node(t, hosts, "2", kind);
    await started(third);
    await delay(NOTICED_MS);
    t.true(sent() > 0, "a cable pulled and plugged in: the switch is told");
    t.is((await third.reaches(here)).code, undefined, "a cable");
    const lost = here.ask<Outcome>(`connect ${NOBODY} 2500`);
    await delay(500);
    hosts.ip("1", "link del e0");
    hosts.cable("1");
    t.truthy((await lost).code, "dialling by an interface that goes away");
    const fourth = new Node(t, hosts, "2", kind);
    await started(fourth);
    t.is((await fourth.reaches(here)).code, undefined, "another interface of that name");
    t.is((await here.reaches(fourth)).code, undefined, "and from there");
  });

  testHere("a firewall that eats multicast is named where it stands here", async (t, hosts) => {
    hosts.eatMulticast("1");
    const [here, there] = await pair(t, hosts);
    const { code, hint = "" } = await here.reaches(there, 1500);
    t.deepEqual((await here.ask<Info>("info")).refused, []);
    const nobody = await here.ask<readonly string[]>("nearby 500");
    t.is(code, "MP2P_NO_ADDRESS");
    t.regex(
      hint,
      /firewall on this device .* e0 \(IPv4, IPv6\) .* UDP port 6727 in and out; the peer's ticket/,
    );
    t.deepEqual(nobody, []);
    const [peers, check] = await Promise.all([
      commandLine(t, hosts, kind, "peers", "--nearby", "--wait", "1"),
      multicastCheck(t, hosts, kind),
    ]);
    t.like(peers, { t: "error", code: "MP2P_NO_MULTICAST" });
    t.regex(peers.hint ?? "", /firewall on this device/);
    t.like(check, {
      result: "warn",
      fix: "sudo ufw allow 6727/udp, or sudo firewall-cmd --add-port=6727/udp",
    });
    t.is((await there.reaches(here)).code, undefined, "what it announces says where it is");
    hosts.heal("1");
    t.is((await here.reaches(there)).code, undefined, "once it is let in");
  });

  testHere("a firewall that lets no multicast out is named where it stands", async (t, hosts) => {
    hosts.muteMulticast("1");
    const [peers, check] = await Promise.all([
      commandLine(t, hosts, kind, "peers", "--nearby", "--wait", "1"),
      multicastCheck(t, hosts, kind),
    ]);
    t.like(peers, { t: "error", code: "MP2P_NO_MULTICAST" });
    t.regex(peers.hint ?? "", /firewall on this device .* in and out$/);
    t.is(check?.result, "warn");
  });

  testHere("where nobody is heard the network is named too", async (t, hosts) => {
    const here = new Node(t, hosts, "1", kind);
    await started(here);
    const { code, hint = "" } = await here.ask<Outcome>(`connect ${NOBODY} 1500`);
    t.is(code, "MP2P_NO_ADDRESS");
    t.regex(hint, /no other device was heard on e0: .* switch or access point eats multicast/);
  });

  testHere("two endpoints on one host are both found, and find each other", async (t, hosts) => {
    const [here, there] = await pair(t, hosts);
    const beside = new Node(t, hosts, "1", kind);
    await started(beside);
    for (const [from, to] of [
      [there, here],
      [there, beside],
      [here, beside],
    ] as const)
      t.is((await from.reaches(to)).code, undefined);
    t.deepEqual(
      (await there.ask<string[]>("nearby 1500")).sort(),
      [await here.key, await beside.key].sort(),
    );
  });
}

/** Counts IPv4 reports of memberships: of IPv6 the kernel sends some by itself. @returns a function that reads the count */
function reports(hosts: Hosts, host: string): () => number {
  return hosts.count(host, "ip protocol igmp");
}
