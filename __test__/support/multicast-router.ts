/**
 * A multicast router: smcroute's daemon between the subnets of `Hosts.acrossRouter`, forwarding the groups
 * of one key both ways. Where the daemon is not installed, the distribution's package is unpacked beside.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { ownGroups } from "../../src/multicast/group-address.ts";
import { parseKey } from "../../src/noise/identity.ts";
import { loadBackend } from "./backends.ts";
import type { Hosts } from "./namespaces.ts";
import { Process } from "./process.ts";

const INSTALLED = "/usr/sbin/smcrouted";
const folder = mkdtempSync(join(tmpdir(), "mp2p-smcroute-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Why there is no router; undefined where there is one. */
export function multicastRouterMissing(): string | undefined {
  try {
    program();
    return undefined;
  } catch (error) {
    return `no smcroute: ${String((error as Error).message).split("\n")[0]}`;
  }
}

/** Starts to forward; ended with the test. */
export async function startMulticastRouter(
  t: ExecutionContext,
  hosts: Hosts,
  keyText: string,
): Promise<void> {
  const { primitives } = await loadBackend("fallback");
  const groups = ownGroups(parseKey(keyText), (data) => primitives.sha512(data))
    .map((group) => group.slice(0, group.lastIndexOf(":")).replace(/[[\]]/g, ""))
    .filter((host) => !host.startsWith("ff12:"));
  const lines = ["phyint r1 enable", "phyint r2 enable"];
  for (const group of groups)
    lines.push(`mroute from r1 group ${group} to r2`, `mroute from r2 group ${group} to r1`);
  const config = join(folder, "smcroute.conf");
  writeFileSync(config, `${lines.join("\n")}\n`);
  const files = ["-f", config, "-P", join(folder, "pid"), "-u", join(folder, "socket")];
  new Process(t, hosts.inside("router", program(), "-n", "-N", ...files));
}

function program(): string {
  if (existsSync(INSTALLED)) return INSTALLED;
  const unpacked = join(folder, "usr/sbin/smcrouted");
  if (existsSync(unpacked)) return unpacked;
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  run("apt-get", "download", "smcroute");
  const [archive] = readdirSync(folder).filter((name) => name.endsWith(".deb"));
  run("dpkg", "-x", archive ?? "", folder);
  return unpacked;
}
