/** Small helpers of the scripts. Only node:*, because setup runs before anything is installed. */
import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const HAS_GROUPS = process.platform !== "win32";
/** npm is a script on Windows, which only a shell can start; its arguments here hold no spaces. */
const NEEDS_SHELL = process.platform === "win32" ? new Set(["npm", "npx"]) : new Set();

/** Runs a command in the project's root with this terminal. @returns its exit code, 1 for a signal. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    shell: NEEDS_SHELL.has(command),
    ...options,
  });
  if (error) console.error(`${command}: ${error.message}`);
  return status ?? 1;
}

/**
 * Runs a command and hands each line of its output to `onLine` while showing it. A command that is
 * silent for `patienceMs` is ended, and so is everything it started: as a process group of its own,
 * which also takes Ctrl-C from here. @returns its exit code.
 */
export function runWatched(command, args, { onLine, patienceMs }, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
      detached: HAS_GROUPS,
      ...options,
    });
    let interruptedBy;
    const interrupt = (signal) => {
      interruptedBy = signal;
      endGroup(child, signal);
    };
    process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
    const patience = setTimeout(() => {
      console.error(`${command}: silent for ${patienceMs / 60_000} minutes, ended`);
      endGroup(child, "SIGKILL");
    }, patienceMs);
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      patience.refresh();
      process.stdout.write(text);
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(onLine);
    });
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on("close", (code) => {
      clearTimeout(patience);
      process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
      if (interruptedBy !== undefined) process.exit(128 + constants.signals[interruptedBy]);
      if (rest !== "") onLine(rest);
      resolve(code ?? 1);
    });
  });
}

function endGroup({ pid }, signal) {
  try {
    process.kill(HAS_GROUPS ? -pid : pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** @returns the trimmed output, or undefined where the command is missing or fails. */
export function outputOf(command, args, options = {}) {
  const { status, stdout } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 64 * 1024 * 1024,
    shell: NEEDS_SHELL.has(command),
    ...options,
  });
  return status === 0 ? stdout.trim() : undefined;
}

/** Path of a script that an installed package starts with node: no shell, no .bin shims. */
export function toolPath(name) {
  return `${ROOT}/node_modules/${TOOLS[name]}`;
}

const TOOLS = {
  ava: "ava/entrypoints/cli.mjs",
  attw: "@arethetypeswrong/cli/dist/index.js",
  biome: "@biomejs/biome/bin/biome",
  knip: "knip/bin/knip.js",
  publint: "publint/src/cli.js",
  tsc: "typescript/bin/tsc",
};

/** One line of progress, on stderr as everything that is not a result. */
export function say(text) {
  console.error(`mp2p: ${text}`);
}
