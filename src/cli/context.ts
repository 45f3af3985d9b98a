import type { Readable, Writable } from "node:stream";
import type { Reporter } from "./reporter.ts";

/** What a command works with besides its arguments. */
export interface Context {
  readonly reporter: Reporter;
  /** Aborts with an `Interruption`, or with what became of the output. */
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Milliseconds, from any origin. */
  readonly now: () => number;
}
