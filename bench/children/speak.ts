/**
 * How a measured process speaks: its task as one JSON argument, its results as JSON lines on
 * stdout. The other half is bench/child.ts.
 */
import { writeSync } from "node:fs";
import { createRequire } from "node:module";

export interface Message {
  readonly t: string;
  readonly [field: string]: unknown;
}

/** The task the parent gave; the script and its parent agree on the shape. */
export function task<T>(): T {
  return JSON.parse(process.argv[2] ?? "{}") as T;
}

/** Synchronous, so nothing is lost where the process exits next. */
export function say(message: Message): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

/** Loads a peer from bench/node_modules; where it is not installed, says so and ends the process. */
export function peerModule<T>(name: string): T {
  const require = createRequire(new URL("../../../bench/package.json", import.meta.url));
  try {
    return require(name) as T;
  } catch (error) {
    say({
      t: "missing",
      why: `${name} is not installed (npm run bench:setup): ${firstLine(error)}`,
    });
    process.exit(0);
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0] ?? "";
}
