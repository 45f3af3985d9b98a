import test, { type ExecutionContext } from "ava";
import { equalBytes } from "../../src/base/bytes.ts";
import type { Endpoint } from "../../src/endpoint/endpoint.ts";
import type { Group } from "../../src/endpoint/group.ts";
import type { GroupMessage } from "../../src/endpoint/group-inbox.ts";
import type { GroupOptions } from "../../src/endpoint/group-options.ts";
import { availableKinds } from "../support/backends.ts";
import { openEndpoint } from "./pair.ts";

const SECRET = Uint8Array.from({ length: 16 }, (_, index) => 7 * index);
const text = (message: GroupMessage) => new TextDecoder().decode(message.data);
const bytes = (message: string) => new TextEncoder().encode(message);

async function open(
  t: ExecutionContext,
  kind: "native" | "fallback",
  options: GroupOptions,
): Promise<{ endpoint: Endpoint; group: Group }> {
  const endpoint = await openEndpoint(t, { backend: kind });
  const group = await endpoint.openGroup(options);
  t.teardown(() => group.close());
  return { endpoint, group };
}

async function full(group: Group, members: number): Promise<void> {
  while (group.members().length < members)
    await new Promise<void>((resolve) => group.once("joined", () => resolve()));
}

async function take(group: Group, count: number): Promise<GroupMessage[]> {
  const taken: GroupMessage[] = [];
  for await (const message of group) if (taken.push(message) === count) break;
  return taken;
}

for (const kind of await availableKinds()) {
  test(`${kind}: three endpoints of one machine find each other and talk by multicast`, async (t) => {
    // Loopback is one network: of one name, those of the other backend would be members too.
    const name = `three ${kind} ${process.pid}`;
    const options = { name, secret: SECRET, reliable: true };
    const all = await Promise.all([1, 2, 3].map(() => open(t, kind, options)));
    await Promise.all(all.map(({ group }) => full(group, 2)));
    const [alice, ...others] = all as [(typeof all)[0], ...typeof all];
    for (let count = 0; count < 200; count++) await alice.group.send(bytes(`${count}`));
    for (const { group } of others) {
      const heard = await take(group, 200);
      t.deepEqual(
        heard.map(text),
        Array.from({ length: 200 }, (_, index) => `${index}`),
      );
      t.true(heard.every(({ from, lost }) => lost === 0 && equalBytes(from, alice.endpoint.key)));
    }
  });

  test(`${kind}: more than may wait leaves at its rate, and nothing of it is lost`, async (t) => {
    const name = `much ${kind} ${process.pid}`;
    const options = { name, secret: SECRET, reliable: true };
    const [alice, bob] = await Promise.all([open(t, kind, options), open(t, kind, options)]);
    await Promise.all([full(alice.group, 1), full(bob.group, 1)]);
    const heard = take(bob.group, 40);
    for (let count = 0; count < 40; count++)
      await alice.group.send(new Uint8Array(65_536).fill(count));
    t.true((await heard).every(({ data }, count) => data.every((byte) => byte === count)));
  });
}
