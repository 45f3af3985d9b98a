/**
 * The multicast rung on real sockets: two hosts on one switch whose unicast comes and goes, and two
 * subnets that only a multicast router joins. What cannot run here is skipped and says why.
 */
import { fileURLToPath } from "node:url";
import type { ExecutionContext } from "ava";
import type { DiscoveryOptions } from "../../src/endpoint/options.ts";
import { availableKinds, groupsMissing, type Kind } from "../support/backends.ts";
import { multicastRouterMissing, startMulticastRouter } from "../support/multicast-router.ts";
import { Hosts, namespacesMissing } from "../support/namespaces.ts";
import { Process } from "../support/process.ts";
import { testWhere } from "../support/where.ts";

const CHILD = fileURLToPath(new URL("./rung-child.js", import.meta.url));
const missing = namespacesMissing();
const routerMissing = missing ?? multicastRouterMissing();

function spawn(t: ExecutionContext, hosts: Hosts, host: string, kind: Kind, task: object): Process {
  const command = hosts.inside(host, process.execPath, CHILD, JSON.stringify(task));
  return new Process(t, command, { MP2P_BACKEND: kind });
}

/** Host 1 dials host 2 by key alone. */
async function pair(
  t: ExecutionContext,
  hosts: Hosts,
  kind: Kind,
  discovery: DiscoveryOptions = {},
) {
  const there = spawn(t, hosts, "2", kind, { discovery });
  const key = await there.line("ready ");
  const here = spawn(t, hosts, "1", kind, { key, discovery });
  await here.line("connected ");
  let exchanges = 0;
  /** @returns the rung that the session stood on afterwards */
  const exchange = async (kilobytes: number): Promise<string> => {
    const bytes = kilobytes * 1000 + exchanges++;
    here.say(`exchange ${bytes}`);
    const [verdict, rung = ""] = (await here.line(`exchanged ${bytes} `)).split(" ");
    t.is(verdict, "same", `${bytes} bytes`);
    return rung;
  };
  return { here, there, key, exchange };
}

async function reaches(rung: string, exchange: (kilobytes: number) => Promise<string>) {
  for (let tries = 0; tries < 200; tries++) if ((await exchange(20)) === rung) return true;
  return false;
}

const kinds = await availableKinds();
const noGroups = await groupsMissing();

for (const kind of kinds) {
  const testHere = (title: string, run: (t: ExecutionContext) => Promise<void>) =>
    testWhere([missing, noGroups.get(kind)], `${kind}: ${title}`, run);

  testHere("a session by key alone, carried by the group, moves to unicast and back", async (t) => {
    const hosts = Hosts.onBridge(2);
    t.teardown(() => hosts.close());
    for (const host of ["1", "2"]) hosts.blockUnicast(host);
    const { exchange } = await pair(t, hosts, kind);
    t.is(await exchange(200), "multicast");
    for (const host of ["1", "2"]) hosts.heal(host);
    t.true(await reaches("lan", exchange), "to unicast");
    // A machine that stands still for half a second is a path that fell silent: it may take another try.
    t.true(await reaches("lan", () => exchange(2000)), "in bulk too");
    for (const host of ["1", "2"]) hosts.blockUnicast(host);
    t.true(await reaches("multicast", exchange), "and back");
  });

  testHere("unicast that is dead in one direction only is left", async (t) => {
    const hosts = Hosts.onBridge(2);
    t.teardown(() => hosts.close());
    hosts.blockUnicast("1");
    const { exchange } = await pair(t, hosts, kind);
    t.is(await exchange(100), "multicast");
  });

  testHere("a peer that asks every caller for a cookie is reached by the group", async (t) => {
    const hosts = Hosts.onBridge(2);
    t.teardown(() => hosts.close());
    for (const host of ["1", "2"]) hosts.blockUnicast(host);
    const limits = { handshakesPerSecond: 0, handshakesPerSourcePerSecond: 0 };
    const there = spawn(t, hosts, "2", kind, {
      limits: { ...limits, handshakesPerSourceBurst: 0 },
    });
    const key = await there.line("ready ");
    const here = spawn(t, hosts, "1", kind, { key });
    await here.line("connected ");
    t.pass();
  });

  testHere("with 20 % loss the group carries every byte", async (t) => {
    const hosts = Hosts.onBridge(2);
    t.teardown(() => hosts.close());
    for (const host of ["1", "2"]) hosts.blockUnicast(host);
    const { exchange } = await pair(t, hosts, kind);
    for (const host of ["1", "2"]) hosts.lose(host, 20);
    t.is(await exchange(200), "multicast");
  });
}

const [routedKind = "native"] = kinds;

testWhere(
  [routerMissing, noGroups.get(routedKind)],
  "through a multicast router, groups carry a session as far as hops go",
  async (t) => {
    const hosts = Hosts.acrossRouter();
    t.teardown(() => hosts.close());
    for (const host of ["1", "2"]) hosts.blockUnicast(host);
    const discovery: DiscoveryOptions = { scope: "site" };
    const there = spawn(t, hosts, "2", routedKind, { discovery });
    const key = await there.line("ready ");
    await startMulticastRouter(t, hosts, key);
    const local = spawn(t, hosts, "1", routedKind, { key });
    const here = spawn(t, hosts, "1", routedKind, { key, discovery });
    await here.line("connected ");
    here.say("exchange 200000");
    t.is(await here.line("exchanged 200000 "), "same multicast");
    t.deepEqual(local.lines, [], "with one hop nobody is reached");
  },
);
