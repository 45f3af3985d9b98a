/** Questions, progress and Ctrl-C in a real pseudo-terminal, made by util-linux `script`. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import anyTest, { type ExecutionContext } from "ava";
import stringWidth from "string-width";
import { Identity } from "../../src/endpoint/identity.ts";
import { Command, MAIN, temporaryFolder } from "./command.ts";

const HAS_SCRIPT = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes(
  "util-linux",
);
/** Skipped, and shown as such, where there is no such tool. */
const test = HAS_SCRIPT ? anyTest : anyTest.skip;
const COLUMNS = 90;
const BIND = ["--bind", "127.0.0.1:0"];

class Terminal {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<number>;
  screen = "";

  constructor(t: ExecutionContext, home: string, args: readonly string[]) {
    const quoted = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(" ");
    const command = `stty cols ${COLUMNS} rows 24; exec ${quoted}`;
    const env = { ...process.env, MP2P_HOME: home, TERM: "xterm", NO_COLOR: "" };
    this.child = spawn("script", ["-qec", command, "/dev/null"], { env });
    t.teardown(() => this.child.kill("SIGKILL"));
    this.child.stdout.on("data", (chunk: Buffer) => {
      this.screen += chunk.toString();
    });
    this.ended = once(this.child, "exit").then(([code]) => code as number);
  }

  /** Waits until the screen has shown a text. */
  async shows(text: string | RegExp): Promise<void> {
    while (!(typeof text === "string" ? this.screen.includes(text) : text.test(this.screen))) {
      const more = once(this.child.stdout, "data");
      const over = this.ended.then(() => {
        throw new Error(`the screen never showed ${text}: ${this.screen}`);
      });
      await Promise.race([more, over]);
    }
  }

  type(keys: string): void {
    this.child.stdin.write(keys);
  }
}

function largeFile(root: string, bytes: number): string {
  const file = join(root, "large");
  writeFileSync(file, "");
  truncateSync(file, bytes);
  return file;
}

test("the receiver is asked, and yes means yes", async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "note"), "hello");
  const alice = new Command(t, join(root, "alice"), [
    "send",
    join(root, "note"),
    "--json",
    "--bind",
    "127.0.0.1:0",
  ]);
  const { ticket } = await alice.event("ready");
  const bob = new Terminal(t, join(root, "bob"), ["receive", ticket, "-o", join(root, "in")]);
  await bob.shows("1 file, 5 B");
  await bob.shows("[Y/n]");
  bob.type("what?\r");
  await bob.shows("answer y or n");
  bob.type("y\r");
  t.is(await bob.ended, 0, bob.screen);
  t.notRegex(bob.screen, /offer {2}1 file/, "the question has said it");
  t.is((await alice.ended).code, 0);
  t.true(existsSync(join(root, "in", "note")));
});

test("no means that nothing is written, and the sender is told", async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "note"), "hello");
  const alice = new Command(t, join(root, "alice"), [
    "send",
    join(root, "note"),
    "--json",
    "--bind",
    "127.0.0.1:0",
  ]);
  const { ticket } = await alice.event("ready");
  const bob = new Terminal(t, join(root, "bob"), ["receive", ticket, "-o", join(root, "in")]);
  await bob.shows("[Y/n]");
  bob.type("n\r");
  t.is(await bob.ended, 5, bob.screen);
  t.is((await alice.ended).code, 5);
  t.false(existsSync(join(root, "in", "note")));
});

test("a question can be left with Ctrl-C", async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "note"), "hello");
  const alice = new Command(t, join(root, "alice"), [
    "send",
    join(root, "note"),
    "--json",
    "--bind",
    "127.0.0.1:0",
  ]);
  const { ticket } = await alice.event("ready");
  const bob = new Terminal(t, join(root, "bob"), ["receive", ticket, "-o", join(root, "in")]);
  await bob.shows("[Y/n]");
  bob.type("\u0003");
  t.is(await bob.ended, 130, bob.screen);
});

test("progress stays on one line that fits, until Ctrl-C says how to go on", async (t) => {
  const root = temporaryFolder(t);
  const file = largeFile(root, 2e9);
  const alice = new Command(t, join(root, "alice"), [
    "send",
    file,
    "--json",
    "--bind",
    "127.0.0.1:0",
  ]);
  const { ticket } = await alice.event("ready");
  const bob = new Terminal(t, join(root, "bob"), [
    "receive",
    ticket,
    "-o",
    join(root, "in"),
    "--yes",
  ]);
  await bob.shows(/━.* [1-9]\d?% .* of 2\.00 GB .*loopback/);
  bob.type("\u0003");
  t.is(await bob.ended, 130, bob.screen);
  t.true(bob.screen.includes("again"), bob.screen);
  const lines = bob.screen.split(/\r\n|\r/).map((line) => line.replaceAll("\u001b[K", ""));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours take no room
  const widths = lines.map((line) => stringWidth(line.replaceAll(/\u001b\[\d*m/g, "")));
  const drawn = widths.filter((_, at) => lines[at]?.includes("% "));
  t.true(drawn.length > 0 && drawn.every((width) => width < COLUMNS), String(drawn));
});

test("a person gets the whole command for the other device", async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "note"), "hello");
  const alice = new Terminal(t, join(root, "alice"), [
    "send",
    join(root, "note"),
    "--bind",
    "127.0.0.1:0",
  ]);
  await alice.shows(/ {2}mp2p receive mp2p1\w+\r\n/);
  alice.type("\u0003");
  t.is(await alice.ended, 130, alice.screen);
});

test("a cast shows whom it waits for and a line for each receiver, by name where there is one", async (t) => {
  const root = temporaryFolder(t);
  const { keyText } = await Identity.load({ home: join(root, "anna") });
  mkdirSync(join(root, "teacher"));
  writeFileSync(join(root, "teacher", "contacts"), `${keyText} anna\n`);
  const args = ["--min", "2", "--rate", "4MB", "--bind", "127.0.0.1:0"];
  const sender = new Terminal(t, join(root, "teacher"), ["cast", largeFile(root, 8e6), ...args]);
  await sender.shows("waiting for 2 receivers");
  const ticket = /mp2p receive (mp2p1\w+)/.exec(sender.screen)?.[1] ?? "";
  const receive = (name: string) => ["receive", ticket, "-o", join(root, `in-${name}`), ...BIND];
  const anna = new Terminal(t, join(root, "anna"), receive("anna"));
  await anna.shows("[Y/n]");
  await sender.shows(/ {2}anna .* joining/);
  const bert = new Command(t, join(root, "bert"), [...receive("bert"), "--yes"]);
  anna.type("y\r");
  await sender.shows(
    /━.* \d+% .* of 8\.00 MB .* 2 receivers\r\n {2}\S+ .*\d+%.*\r\n {2}\S+ .*\d+%/,
  );
  t.is((await bert.ended).code, 0);
  t.is(await anna.ended, 0, anna.screen);
  t.is(await sender.ended, 0, sender.screen);
  t.regex(sender.screen, /anna {2}\S*complete\S* {2}8\.00 MB in/);
  // More than the file where a busy machine lost packets.
  t.regex(sender.screen, /done.* to 2 receivers,\s+\d+\.\d+ MB on the wire/);
});

test("a command whose terminal is closed ends in order, and is not aborted by Node", async (t) => {
  const root = temporaryFolder(t);
  const words = [process.execPath, MAIN, "listen", "--into", join(root, "in"), ...BIND];
  const command = `exec ${words.map((word) => `'${word}'`).join(" ")} 2>&3`;
  const env = { ...process.env, MP2P_HOME: join(root, "home") };
  const stdio = ["pipe", "pipe", "pipe", "pipe"] as const;
  const terminal = spawn("script", ["-qec", command, "/dev/null"], { env, stdio: [...stdio] });
  t.teardown(() => terminal.kill("SIGKILL"));
  const said = text(terminal.stdio[3] as Readable);
  await once(terminal.stdout as Readable, "data");
  terminal.kill("SIGKILL");
  t.regex(await said, /error: the terminal was closed {2}MP2P_INTERRUPTED\n$/);
});
