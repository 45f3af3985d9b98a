/**
 * Secure groups between hosts on one switch: loss, a member that is killed, one whose multicast a firewall
 * eats. What cannot run here is skipped and says why.
 */
import { fileURLToPath } from "node:url";
import type { ExecutionContext } from "ava";
import { availableKinds, groupsMissing, type Kind } from "../support/backends.ts";
import { Hosts, namespacesMissing } from "../support/namespaces.ts";
import { Process } from "../support/process.ts";
import { testWhere } from "../support/where.ts";

const CHILD = fileURLToPath(new URL("./group-child.js", import.meta.url));

interface Member {
  readonly process: Process;
  readonly key: string;
}

async function gather(
  t: ExecutionContext,
  hosts: Hosts,
  kinds: readonly Kind[],
  options: { readonly reliable: boolean },
): Promise<Member[]> {
  const members = await Promise.all(
    kinds.map(async (kind, index) => {
      const command = [process.execPath, CHILD, JSON.stringify(options)];
      const env = { MP2P_BACKEND: kind };
      const child = new Process(t, hosts.inside(`${index + 1}`, ...command), env);
      return { process: child, key: await child.line("ready ") };
    }),
  );
  for (const each of members)
    for (const other of members) if (other !== each) await each.process.line(`joined ${other.key}`);
  return members;
}

const kinds = await availableKinds();
const missing = [namespacesMissing(), ...(await groupsMissing()).values()];

function testHere(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  testWhere(missing, title, run);
}

for (const first of kinds) {
  // The others are of either kind: they speak the same bytes.
  const mixed = [first, ...kinds, ...kinds].slice(0, 3) as Kind[];

  testHere(`${mixed}: reliable through 5 % loss, whole and in order, once for all`, async (t) => {
    const hosts = Hosts.onBridge(3);
    t.teardown(() => hosts.close());
    const [ada, ...others] = (await gather(t, hosts, mixed, { reliable: true })) as [
      Member,
      ...Member[],
    ];
    for (const host of ["1", "2", "3"]) hosts.lose(host, 5);
    ada.process.say("send 1000 300");
    for (const { process: child } of others)
      t.is(await child.line(`heard ${ada.key} 1000 `), "lost 0 wrong 0");
    const [packets = "", , copies] = (await ada.process.line("sent 1000 300 packets ")).split(" ");
    t.is(copies, "0");
    t.true(Number(packets) < 1600, `${packets} packets for 1,000 messages to two`);
    ada.process.say("send 3 65536");
    for (const { process: child } of others)
      t.is(await child.line(`heard ${ada.key} 1003 `), "lost 0 wrong 0");
  });
}

testHere("a member that is killed is lost, and the rest go on under new keys", async (t) => {
  const hosts = Hosts.onBridge(3);
  t.teardown(() => hosts.close());
  const kind = kinds[0] as Kind;
  const [ada, bob, cy] = (await gather(t, hosts, [kind, kind, kind], { reliable: true })) as [
    Member,
    Member,
    Member,
  ];
  hosts.ip("3", "link set e0 down");
  await ada.process.line(`left ${cy.key} lost`);
  ada.process.say("send 100 50");
  t.is(await bob.process.line(`heard ${ada.key} 100 `), "lost 0 wrong 0");
  bob.process.say("close");
  await ada.process.line(`left ${bob.key} left`);
  await bob.process.output();
});
