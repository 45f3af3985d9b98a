/**
 * Groups in every backend that can be had here, and in every mix of two. IPv4 is tried on the loopback
 * interface, which nobody else hears. Groups of IPv6 have no route there, and a machine has not forty
 * interfaces, so the rest is tried by this same file in a network namespace of its own.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import test from "ava";
import { SUITE_CHACHA20_POLY1305 } from "../../src/backend/port.ts";
import type { GroupPlace } from "../conformance/group-place.ts";
import { groupInterfaceConformance, groupSourceConformance } from "../conformance/group-sources.ts";
import { groupConformance } from "../conformance/groups.ts";
import { availableKinds, loadBackend, nativeMissing } from "../support/backends.ts";
import { failureOf, Process } from "../support/process.ts";
import { testWhere } from "../support/where.ts";

const CABLES = 40;
const inNamespace = process.env.MP2P_TEST_NAMESPACE === "1";
const isLinux = process.platform === "linux";
const kinds = await availableKinds();
const missing = await nativeMissing();
/** This process's own, below those that systems give to whoever asks for any: one of them would take it. */
const port = 20_000 + (process.pid % 10_000);
const loopback: GroupPlace = {
  interface: isLinux ? "lo" : "lo0",
  family: 4,
  scope: 2,
  hosts: ["127.0.0.1", isLinux ? "127.0.0.2" : "127.0.0.1"],
  port,
};

if (missing !== undefined) test.skip(`NATIVE BACKEND NOT TESTED: ${missing}`, () => {});

for (const [where, place] of Object.entries(inNamespace ? cables(0) : { loopback })) {
  for (const from of kinds) {
    groupSourceConformance(`${from}, ${where}`, () => loadBackend(from), place);
    for (const to of kinds) {
      groupConformance(`${from} to ${to}, ${where}`, {
        from: () => loadBackend(from),
        to: () => loadBackend(to),
        suite: SUITE_CHACHA20_POLY1305,
        place,
      });
    }
  }
}

if (inNamespace) {
  for (const kind of kinds) {
    for (const where of Object.keys(cables(0)) as (keyof ReturnType<typeof cables>)[]) {
      const places = Array.from({ length: CABLES }, (_, at) => cables(at)[where]);
      groupInterfaceConformance(`${kind}, ${where}`, () => loadBackend(kind), places);
    }
  }
} else {
  const why = isLinux ? failureOf(unshared("true")) : "not Linux";
  const title = "IPv6, and forty interfaces, in a network namespace";
  testWhere([why], title, async (t) => {
    t.timeout(170_000);
    const ava = fileURLToPath(new URL("cli.mjs", import.meta.resolve("ava")));
    const run = `exec "${process.execPath}" "${ava}" "${fileURLToPath(import.meta.url)}"`;
    const child = new Process(t, unshared(run), { MP2P_TEST_NAMESPACE: "1" });
    const failure = await child.output().then(() => undefined, String);
    t.is(failure, undefined, child.lines.filter((line) => !line.includes("✔")).join("\n"));
  });
}

/** Interface `at` of the namespace, for each family and scope. */
function cables(at: number): Record<"IPv4" | "IPv6 on the link" | "IPv6 of the site", GroupPlace> {
  const common = { interface: `m${at}`, port };
  const ipv6 = { ...common, family: 6, hosts: [`[fd97:${at}::1]`, `[fd97:${at}::2]`] } as const;
  return {
    IPv4: { ...common, family: 4, scope: 0, hosts: [`10.97.${at}.1`, `10.97.${at}.2`] },
    "IPv6 on the link": { ...ipv6, scope: 2 },
    "IPv6 of the site": { ...ipv6, scope: 5 },
  };
}

/** Runs in a namespace that ends with it, with interfaces whose other ends nobody uses. */
function unshared(command: string): readonly string[] {
  const interfaces = [
    "link add $i type veth peer name p$i",
    "link set p$i addrgenmode none up",
    "link set $i addrgenmode none up",
  ];
  const addresses = [
    "10.97.$at.1/24",
    "10.97.$at.2/24",
    "fd97:$at::1/64 nodad",
    "fd97:$at::2/64 nodad",
  ];
  const steps = [...interfaces, ...addresses.map((address) => `addr add ${address} dev $i`)];
  const script = [
    "set -e",
    "ip link set lo up",
    `for at in $(seq 0 ${CABLES - 1}); do i=m$at`,
    ...steps.map((step) => `ip ${step}`),
    "done",
    command,
  ];
  const flags = process.getuid?.() === 0 ? ["-n"] : ["-r", "-n"];
  return ["unshare", ...flags, "sh", "-c", script.join("\n")];
}
