/** How long does `mp2p --help` take, and how much of it is Node itself? */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { NotMeasured } from "./child.ts";
import { absolute, type Row } from "./row.ts";
import { type Outcome, sideBySide } from "./samples.ts";
import { HELP_STARTS } from "./sizes.ts";
import type { Subject } from "./subject.ts";

const CLI = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export const help: Subject = {
  name: "help",
  question: "Wall time of `mp2p --help`, median of ten starts",
  async run(): Promise<Row[]> {
    const outcomes = await sideBySide(
      { mp2p: async () => startMs([CLI, "--help"]), node: async () => startMs(["-e", "0"]) },
      HELP_STARTS,
    );
    const note = `Node alone: ${describe(outcomes.node)}`;
    return [
      absolute({ figure: "mp2p --help", unit: "ms", ours: outcomes.mp2p, note }, { atMost: 120 }),
    ];
  },
};

function startMs(args: readonly string[]): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) {
    const telling = stderr.split("\n").find((line) => /error/i.test(line)) ?? stderr.trim();
    throw new NotMeasured(`exit code ${status}: ${telling}`);
  }
  return performance.now() - started;
}

function describe(outcome: Outcome): string {
  return "missing" in outcome ? outcome.missing : `${outcome.value.toFixed(0)} ms`;
}
