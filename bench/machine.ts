/** Where and when a run was taken: a figure without its machine says nothing. */
import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem, type } from "node:os";

export interface Machine {
  readonly takenAt: string;
  readonly commit: string;
  readonly system: string;
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  /** One-minute load average as the run began: near 0 on a machine that has nothing else to do. */
  readonly loadBefore: number;
}

export function machine(): Machine {
  const processors = cpus();
  return {
    takenAt: new Date().toISOString(),
    commit: commit(),
    system: `${type()} ${release()}`,
    node: process.version,
    processor: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    loadBefore: loadavg()[0] ?? 0,
  };
}

function commit(): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}
