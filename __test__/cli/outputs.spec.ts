/** Output that is read late, or cannot be written, by the real binary. */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Duplex, PassThrough, Readable, Writable, type WritableOptions } from "node:stream";
import test from "ava";
import { runPipe } from "../../src/cli/commands/pipe.ts";
import type { Context } from "../../src/cli/context.ts";
import type { Session, Stream } from "../../src/index.ts";
import { Command, MAIN, temporaryFolder } from "./command.ts";

const BIND = ["--bind", "127.0.0.1:0", "--discovery", "off"];
/** More lines of events than any pipe holds. */
const FILES = 3000;

test("a command waits for a slow reader of its events", async (t) => {
  const root = temporaryFolder(t);
  const folder = join(root, "many");
  mkdirSync(folder);
  for (let n = 0; n < FILES; n++) writeFileSync(join(folder, `${n}`), "");
  const into = ["listen", "--into", join(root, "in"), "--accept", "all", "--once", "--json"];
  const bob = new Command(t, join(root, "bob"), [...into, ...BIND]);
  const { ticket } = await bob.event("ready");
  const alice = new Command(t, join(root, "alice"), ["send", folder, "--to", ticket, "--json"]);
  await alice.event("offer");
  alice.child.stdout.pause();
  t.is((await bob.ended).code, 0);
  alice.child.stdout.resume();
  t.is((await alice.ended).code, 0);
  t.is(alice.events.filter((event) => event.t === "file").length, FILES);
  t.is(alice.events.at(-1)?.t, "done");
});

test("a pipe is not done before its reader has the last byte", async (t) => {
  const waiting: (() => void)[] = [];
  let isRead = false;
  const write: WritableOptions["write"] = (_chunk, _encoding, taken) => {
    if (isRead) taken();
    else waiting.push(taken);
  };
  const stdout = new Writable({ write });
  const stream = Duplex.from({
    readable: Readable.from(["the last"], { objectMode: false }),
    writable: new Writable({ write: (_chunk, _encoding, taken) => taken() }),
  });
  const stdin = new PassThrough().end();
  const signal = new AbortController().signal;
  const parts = { peer: {}, path: {}, stats: () => ({}), on: () => parts };
  const session = parts as unknown as Session;
  const context = { stdin, stdout, signal, now: () => 0 } as unknown as Context;
  let isDone = false;
  const done = runPipe(session, stream as unknown as Stream, context).finally(() => {
    isDone = true;
  });
  while (!isDone && waiting.length === 0) await new Promise(setImmediate);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  t.false(isDone);
  isRead = true;
  for (const taken of waiting) taken();
  await done;
  t.true(isDone);
});

const hasFull = existsSync("/dev/full");
for (const command of ["id", "id --json", "--help", "--version", "help send"]) {
  (hasFull ? test : test.skip)(`output that finds the disk full is an error: ${command}`, (t) => {
    const full = openSync("/dev/full", "w");
    t.teardown(() => closeSync(full));
    const env = { ...process.env, MP2P_HOME: temporaryFolder(t) };
    const { status, stderr } = spawnSync(process.execPath, [MAIN, ...command.split(" ")], {
      env,
      stdio: ["ignore", full, "pipe"],
    });
    t.is(status, 8);
    t.is(stderr.includes("MP2P_DISK_FULL"), !command.includes("--json"));
  });
}

test("help whose reader has gone ends with 1 and without a word", async (t) => {
  const help = new Command(t, temporaryFolder(t), ["--help"]);
  help.child.stdout.destroy();
  const { code, stderr } = await help.ended;
  t.deepEqual({ code, stderr }, { code: 1, stderr: "" });
});
