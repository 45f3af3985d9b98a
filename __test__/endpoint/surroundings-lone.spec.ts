/** Surroundings that one machine has by itself: a family less, and two casts that chose one group. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import test from "ava";
import { parseTicket } from "../../src/rendezvous/ticket.ts";
import { castFiles } from "../../src/transfer/cast-files.ts";
import { receiveCast } from "../../src/transfer/receive-cast.ts";
import { availableKinds, groupsMissing } from "../support/backends.ts";
import { testWhere } from "../support/where.ts";
import { noise, scratch } from "../transfer/support.ts";
import { openEndpoint } from "./pair.ts";

const LOOPBACK = process.platform === "linux" ? "lo" : "lo0";

const kinds = await availableKinds();
const noGroups = await groupsMissing();

for (const backend of kinds) {
  test(`${backend}: addresses of a family that is not bound are passed over, and named where they are all`, async (t) => {
    const there = await openEndpoint(t, { backend });
    const here = await openEndpoint(t, { backend, discovery: { mode: "off" } });
    const ipv6 = "[2001:db8::1]:5000";
    const ticket = parseTicket(there.ticket());
    await here.connect({ ...ticket, candidates: [ipv6, ...ticket.candidates] });
    const other = await openEndpoint(t, { backend, discovery: { mode: "off" } });
    const error = await t.throwsAsync(other.connect({ ...ticket, candidates: [ipv6] }), {
      code: "MP2P_NO_PATH",
    });
    t.regex(String(error), /of IPv6, such as \[2001:db8::1\]:5000, and no socket here is/);
    t.regex((error as { hint?: string }).hint ?? "", /switch IPv6 on/);
  });

  const missing = [noGroups.get(backend)];
  testWhere(missing, `${backend}: groups on loopback alone are said to lead nowhere`, async (t) => {
    const asking = async (...interfaces: readonly string[]) => {
      const { multicast } = await openEndpoint(t, { backend, discovery: { interfaces } });
      t.deepEqual(multicast?.interfaces, [LOOPBACK]);
      return multicast?.trouble ?? "";
    };
    const only = new RegExp(
      `only ${LOOPBACK} takes part .* does not leave this device: .*there are`,
    );
    t.regex(await asking(LOOPBACK), only);
    t.regex(await asking(LOOPBACK, "nope0"), only);
  });

  testWhere(missing, `${backend}: two casts on one group each arrive whole`, async (t) => {
    const folder = await scratch(t);
    const group = `239.255.${process.pid % 250}.77`;
    const open = () => openEndpoint(t, { backend, discovery: { interfaces: [LOOPBACK] } });
    let foreign = 0;
    const one = async (name: string, seed: number) => {
      const content = noise(3 << 20, seed);
      const into = join(folder, `into-${name}`);
      await mkdir(into);
      await writeFile(join(folder, name), content);
      const cast = await castFiles(await open(), [join(folder, name)], { group });
      const receiver = await open();
      await receiveCast(receiver, cast.ticket, into).done;
      t.is((await cast.done).receivers[0]?.outcome, "complete");
      foreign += receiver.counters().droppedUnknown;
      t.true(content.equals(await readFile(join(into, name))));
    };
    await Promise.all([one("a", 1), one("b", 2)]);
    t.true(foreign > 0, "what the other cast sends there is dropped");
  });
}
