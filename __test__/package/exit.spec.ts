/** The addon never holds up or crashes the end of a process, however it comes. */
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import test from "ava";
import { nativeMissing } from "../support/backends.ts";

/** Long enough for the slowest machine; a process that hangs is killed and fails by its signal. */
const PATIENCE_MS = 60_000;
const UNCAUGHT = 1;
const OUR_EXIT_CODE = 7;

const CHILD = fileURLToPath(new URL("busy-child.js", import.meta.url));
const TERMINATE_WORKERS = `
  import { once } from "node:events";
  import { Worker } from "node:worker_threads";
  for (let round = 0; round < 3; round++) {
    const worker = new Worker(${JSON.stringify(CHILD)}, { execArgv: [] });
    await once(worker, "message");
    await worker.terminate();
  }
`;

const ENDINGS: readonly (readonly [what: string, args: readonly string[], code: number])[] = [
  ["busy sockets are closed", [CHILD, "close"], 0],
  ["busy sockets are unreferenced", [CHILD, "unref"], 0],
  ["process.exit beside busy sockets", [CHILD, "exit"], OUR_EXIT_CODE],
  ["process.exit while they close", [CHILD, "exit while closing"], OUR_EXIT_CODE],
  ["process.exit inside the receive callback", [CHILD, "exit inside receive"], OUR_EXIT_CODE],
  ["process.exit at beforeExit", [CHILD, "exit at beforeExit"], OUR_EXIT_CODE],
  ["an uncaught exception", [CHILD, "throw"], UNCAUGHT],
  ["busy sockets are garbage", ["--expose-gc", CHILD, "collect garbage"], 0],
  ["workers are terminated", ["--input-type=module", "--eval", TERMINATE_WORKERS], 0],
];

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

function runToItsEnd(args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "ignore", "pipe"],
    timeout: PATIENCE_MS,
    killSignal: "SIGKILL",
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code, signal) => done({ code, signal, stderr }));
  });
}

for (const [what, args, code] of ENDINGS) {
  test(`native: the process ends: ${what}`, async (t) => {
    const missing = await nativeMissing();
    if (missing !== undefined) {
      t.log(`left out: ${missing}`);
      t.pass();
      return;
    }
    const ended = await runToItsEnd(args);
    t.is(ended.signal, null, ended.stderr);
    t.is(ended.code, code, ended.stderr);
  });
}
