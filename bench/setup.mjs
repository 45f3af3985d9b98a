/**
 * Installs what mp2p is measured against: the npm peers of bench/package.json, sendme, and UFTP with what
 * its network of namespaces needs.
 * A peer that cannot be had is not an error: its figure then reads "not measured".
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SENDME_VERSION = "0.34.0";
const directory = dirname(fileURLToPath(import.meta.url));
const tools = join(directory, ".tools");

/** @returns whether the command ran and ended well */
function run(command, args, environment = {}) {
  console.log(`> ${command} ${args.join(" ")}`);
  const { status } = spawnSync(command, args, {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: "inherit",
  });
  return status === 0;
}

const problems = [];
// Not `npm ci`: from npm 11 on it wants every platform's package of iroh in the lock file, and not all are to be had.
if (!run("npm", ["install", "--no-save", "--no-audit", "--no-fund"]))
  problems.push("hyperdht and @number0/iroh: npm install failed");

if (existsSync(join(tools, "bin", "sendme"))) {
  console.log("sendme is built already");
} else {
  // One job at lowest priority: the build is long, and somebody may be working on this machine.
  const install = [
    "cargo",
    "install",
    "sendme",
    "--version",
    SENDME_VERSION,
    "--locked",
    "--root",
    tools,
  ];
  if (
    !run("nice", ["-n", "19", ...install], {
      CARGO_BUILD_JOBS: process.env.CARGO_BUILD_JOBS ?? "1",
    })
  ) {
    problems.push(`sendme ${SENDME_VERSION}: cargo install failed`);
  }
}

// Debian's names; elsewhere the figure of casts is not measured, or only where these are there already.
const debian = ["uftp", "iperf3", "nftables", "iproute2", "ethtool"];
if (!run("apt-get", ["install", "-y", "--no-install-recommends", ...debian])) {
  problems.push(`${debian.join(", ")}: apt-get install failed`);
}

for (const problem of problems) console.log(`not available: ${problem}`);
console.log(problems.length === 0 ? "all peers are ready" : "the other peers are ready");
