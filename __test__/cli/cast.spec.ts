/** `mp2p cast` and its receivers as processes, on the loopback interface. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { Identity } from "../../src/endpoint/identity.ts";
import { formatTicket, parseTicket } from "../../src/rendezvous/ticket.ts";
import { noise } from "../transfer/support.ts";
import { Command, temporaryFolder } from "./command.ts";

const BIND = ["--bind", "127.0.0.1:0"];
const MB = 1_000_000;

interface Scene {
  readonly folder: string;
  readonly source: string;
}

/** A folder to cast: one file of this size and a small one. */
function scene(t: ExecutionContext, bytes: number): Scene {
  const folder = temporaryFolder(t);
  const source = join(folder, "top");
  mkdirSync(source);
  writeFileSync(join(source, "large"), noise(bytes, 5));
  writeFileSync(join(source, "small"), "small");
  return { folder, source };
}

function cast(t: ExecutionContext, folder: string, ...args: readonly string[]): Command {
  return new Command(t, join(folder, "sender"), ["cast", ...args, "--json", ...BIND]);
}

function receive(
  t: ExecutionContext,
  folder: string,
  name: string,
  ticket: string,
  ...args: readonly string[]
): Command {
  const into = join(folder, `into-${name}`);
  const all = ["receive", ticket, "-o", into, "--json", ...BIND, ...args];
  return new Command(t, join(folder, name), all);
}

/** A file system of its own. @returns why there is none */
function smallDisk(t: ExecutionContext, folder: string, bytes: number): string | undefined {
  mkdirSync(folder);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder]);
  } catch (error) {
    return (error as Error).message;
  }
  t.teardown(() => execFileSync("umount", ["-l", folder]));
  return undefined;
}

function arrived(t: ExecutionContext, { folder, source }: Scene, name: string): void {
  for (const file of ["large", "small"]) {
    const there = readFileSync(join(folder, `into-${name}`, "top", file));
    t.true(there.equals(readFileSync(join(source, file))), `${file} of ${name}`);
  }
}

test("a folder to two receivers: one upload, each of them told", async (t) => {
  const its = scene(t, 3 * MB);
  const sender = cast(t, its.folder, its.source, "--min", "2");
  const { ticket } = await sender.event("ready");
  const receivers = ["anna", "bert"].map((name) => receive(t, its.folder, name, ticket, "--yes"));
  for (const receiver of receivers) t.is((await receiver.ended).code, 0);
  t.is((await sender.ended).code, 0);
  const done = await sender.event("done");
  t.like(done, { files: 2, bytes: 3 * MB + 5, receivers: 2 });
  t.true(done.wireBytes < 5 * MB, `${done.wireBytes} bytes for two`);
  const told = sender.events.filter(({ t: kind }) => kind === "receiver");
  t.is(told.length, 2);
  t.true(told.every((line) => "outcome" in line && line.outcome === "complete"));
  for (const name of ["anna", "bert"]) arrived(t, its, name);
});

test("what is sent to a key goes to its inbox, though a cast of the same key is on", async (t) => {
  const its = scene(t, MB);
  const inbox = join(its.folder, "inbox");
  const home = join(its.folder, "sender");
  const listening = new Command(t, home, [
    "listen",
    "--into",
    inbox,
    "--accept",
    "all",
    "--json",
    ...BIND,
  ]);
  const { key } = await listening.event("ready");
  await cast(t, its.folder, its.source, "--open").event("ready");
  for (const name of ["one", "two", "three"]) {
    writeFileSync(join(its.folder, name), name);
    const args = ["send", join(its.folder, name), "--to", key, "--json", ...BIND];
    const { code, stdout } = await new Command(t, join(its.folder, "friend"), args).ended;
    t.is(code, 0, stdout);
    t.is(readFileSync(join(inbox, name), "utf8"), name);
  }
});

test("stdin to the stdout of two receivers", async (t) => {
  const folder = temporaryFolder(t);
  const sender = cast(t, folder, "-", "--min", "2");
  const content = noise(2 * MB, 7);
  sender.child.stdin.end(content);
  const { ticket } = await sender.event("ready");
  const receivers = ["anna", "bert"].map(
    (name) => new Command(t, join(folder, name), ["receive", ticket, "-o", "-", ...BIND]),
  );
  for (const receiver of receivers) {
    const { code, stdout, stderr } = await receiver.ended;
    t.is(code, 0);
    t.true(Buffer.from(stdout, "latin1").equals(content));
    t.regex(stderr, /done {2}2\.00 MB/);
  }
  t.is((await sender.ended).code, 0);
});

test("a live cast has no inboxes, and a receiver that left it no way to go on", async (t) => {
  const folder = temporaryFolder(t);
  const { keyText } = await Identity.load({ home: join(folder, "sender") });
  const args = ["listen", "--into", join(folder, "inbox"), "--allow", keyText, "--json", ...BIND];
  const inbox = new Command(t, join(folder, "inbox-home"), args);
  await inbox.event("ready");
  const sender = cast(t, folder, "-", "--open", "--min", "2");
  const { ticket } = await sender.event("ready");
  const [anna, bert] = ["anna", "bert"].map(
    (name) => new Command(t, join(folder, name), ["receive", ticket, "-o", "-", ...BIND]),
  ) as [Command, Command];
  sender.child.stdin.write("first");
  await Promise.all([anna, bert].map(({ child }) => once(child.stdout, "data")));
  anna.child.kill("SIGINT");
  const { code, stderr } = await anna.ended;
  t.is(code, 130);
  t.notRegex(stderr, /try:/);
  sender.child.stdin.end(" and last");
  t.is((await bert.ended).stdout, "first and last");
  t.is((await sender.ended).code, 10);
  t.regex((await sender.event("error")).hint ?? "", /no second chance/);
  t.deepEqual(
    inbox.events.map(({ t: kind }) => kind),
    ["ready"],
  );
});

test("a receiver that declines is told apart from one that has everything", async (t) => {
  const its = scene(t, 1 * MB);
  const sender = cast(t, its.folder, its.source, "--min", "2");
  const { ticket } = await sender.event("ready");
  const [yes, no] = [
    receive(t, its.folder, "anna", ticket, "--yes"),
    receive(t, its.folder, "bert", ticket),
  ];
  t.is((await no.ended).code, 5, "nobody to ask is a no");
  t.is((await yes.ended).code, 0);
  t.is((await sender.ended).code, 10);
  t.is((await sender.event("error")).code, "MP2P_PARTIAL");
  await sender.event("receiver", ({ outcome }) => outcome === "declined");
  await sender.event("receiver", ({ outcome }) => outcome === "complete");
});

test("a receiver that is killed comes back and goes on", async (t) => {
  const its = scene(t, 12 * MB);
  const sender = cast(t, its.folder, its.source, "--rate", "6MB");
  const { ticket } = await sender.event("ready");
  const first = receive(t, its.folder, "anna", ticket, "--yes");
  await first.event("progress", ({ confirmed }) => confirmed > 3 * MB);
  first.child.kill("SIGKILL");
  await first.ended;
  const second = receive(t, its.folder, "anna", ticket, "--yes");
  t.is((await second.ended).code, 0);
  t.true((await second.event("accept")).resumeBytes >= 3 * MB);
  t.is((await sender.ended).code, 0);
  arrived(t, its, "anna");
});

test("Ctrl-C at a receiver: it says so and how to go on, and the same command gets only the rest", async (t) => {
  const its = scene(t, 12 * MB);
  const sender = cast(t, its.folder, its.source, "--rate", "6MB", "--min", "2");
  const { ticket } = await sender.event("ready");
  const stays = receive(t, its.folder, "bert", ticket, "--yes");
  const first = receive(t, its.folder, "anna", ticket, "--yes");
  const { confirmed } = await first.event("progress", (event) => event.confirmed > 3 * MB);
  // As long as one misses something, the cast is on.
  stays.child.kill("SIGSTOP");
  first.child.kill("SIGINT");
  t.is((await first.ended).code, 130);
  const last = first.events.at(-1);
  t.like(last, { t: "error", code: "MP2P_INTERRUPTED", message: "interrupted" });
  t.regex((last?.t === "error" && last.hint) || "", /run the same command again/);
  t.false(existsSync(join(its.folder, "into-anna", "top", "large")), "nothing half made is shown");

  const second = receive(t, its.folder, "anna", ticket, "--yes");
  await second.event("accept");
  stays.child.kill("SIGCONT");
  t.is((await second.ended).code, 0);
  const { bytes, payloadBytes, resumedBytes } = await second.event("done");
  t.is(bytes, 12 * MB + 5);
  t.is(payloadBytes + resumedBytes, bytes);
  t.true(resumedBytes >= confirmed, `${resumedBytes} of ${confirmed} bytes were kept`);
  t.is((await second.event("accept")).resumeBytes, resumedBytes);
  for (const end of [stays, sender]) t.is((await end.ended).code, 0);
  t.is((await sender.event("done")).receivers, 2);
  for (const name of ["anna", "bert"]) arrived(t, its, name);
});

test("Ctrl-C at a receiver that does not come back: the cast ends with the others, as a part", async (t) => {
  const its = scene(t, 12 * MB);
  const sender = cast(t, its.folder, its.source, "--rate", "6MB", "--min", "2");
  const { ticket } = await sender.event("ready");
  const [stays, leaves] = [
    receive(t, its.folder, "bert", ticket, "--yes"),
    receive(t, its.folder, "anna", ticket, "--yes"),
  ];
  await leaves.event("progress", ({ confirmed }) => confirmed > 3 * MB);
  leaves.child.kill("SIGINT");
  t.is((await leaves.ended).code, 130);
  t.is((await stays.ended).code, 0);
  t.is((await sender.ended).code, 10);
  t.is((await sender.event("error")).code, "MP2P_PARTIAL");
  await sender.event("receiver", ({ outcome }) => outcome === "complete");
  const { why = "" } = await sender.event("receiver", ({ outcome }) => outcome === "partial");
  t.regex(why, /interrupted/);
});

test("Ctrl-C at a sender that waits for a receiver that was killed: it tells who has everything", async (t) => {
  const its = scene(t, 6 * MB);
  const sender = cast(t, its.folder, its.source, "--rate", "3MB", "--min", "2");
  const { ticket } = await sender.event("ready");
  const [stays, killed] = [
    receive(t, its.folder, "bert", ticket, "--yes"),
    receive(t, its.folder, "anna", ticket, "--yes"),
  ];
  await killed.event("progress", ({ confirmed }) => confirmed > MB);
  killed.child.kill("SIGKILL");
  t.is((await stays.ended).code, 0);
  sender.child.kill("SIGINT");
  t.is((await sender.ended).code, 130);
  const told = sender.events.filter((event) => event.t === "receiver");
  t.deepEqual(told.map(({ outcome }) => outcome === "complete").sort(), [false, true]);
  t.like(sender.events.at(-1), { t: "error", code: "MP2P_INTERRUPTED" });
});

test("Ctrl-C at the sender leaves what receivers have, and the same cast again goes on", async (t) => {
  const its = scene(t, 12 * MB);
  const interrupted = cast(t, its.folder, its.source, "--rate", "6MB");
  const early = receive(t, its.folder, "anna", (await interrupted.event("ready")).ticket, "--yes");
  await early.event("progress", ({ confirmed }) => confirmed > 3 * MB);
  interrupted.child.kill("SIGINT");
  t.is((await interrupted.ended).code, 130);
  t.is((await early.ended).code, 1);
  const sender = cast(t, its.folder, its.source);
  const late = receive(t, its.folder, "anna", (await sender.event("ready")).ticket, "--yes");
  t.is((await late.ended).code, 0);
  t.true((await late.event("done")).resumedBytes >= 3 * MB);
  t.is((await sender.ended).code, 0);
  const { payloadBytes } = await sender.event("done");
  t.true(payloadBytes < 10 * MB, `${payloadBytes} bytes are said to have been sent`);
  arrived(t, its, "anna");
});

test("a receiver whose disk is full says so, and the other one gets everything", async (t) => {
  const its = scene(t, 6 * MB);
  const missing = smallDisk(t, join(its.folder, "into-bert"), 8 * MB);
  if (missing !== undefined) {
    t.log(`SKIPPED: no small disk can be made here: ${missing}`);
    t.pass();
    return;
  }
  const sender = cast(t, its.folder, its.source, "--min", "2", "--rate", "3MB");
  const { ticket } = await sender.event("ready");
  const [good, full] = [
    receive(t, its.folder, "anna", ticket, "--yes"),
    receive(t, its.folder, "bert", ticket, "--yes"),
  ];
  await full.event("progress", ({ confirmed }) => confirmed > MB);
  t.throws(() => writeFileSync(join(its.folder, "into-bert", "other"), noise(8 * MB, 1)));
  t.is((await full.ended).code, 8);
  t.like(await full.event("error"), { code: "MP2P_DISK_FULL" });
  t.is((await good.ended).code, 0);
  arrived(t, its, "anna");
  t.is((await sender.ended).code, 10);
  const told = await sender.event("receiver", ({ outcome }) => outcome === "partial");
  t.regex(told.why ?? "", /MP2P_DISK_FULL/);
});

test("an open cast is for everybody, one with a secret for those who have it", async (t) => {
  const its = scene(t, 10_000);
  const open = cast(t, its.folder, its.source, "--open");
  const { ticket } = await open.event("ready");
  t.is(parseTicket(ticket).castSecret, undefined);
  t.is((await receive(t, its.folder, "anna", ticket, "--yes").ended).code, 0);
  t.is((await open.ended).code, 0);

  const secret = cast(t, its.folder, its.source, "--secret");
  const whole = (await secret.event("ready")).ticket;
  const { castSecret, ...public_ } = parseTicket(whole);
  t.truthy(castSecret);
  const guess = receive(t, its.folder, "bert", formatTicket(public_), "--yes");
  t.is((await guess.ended).code, 5);
  t.is((await guess.event("error")).code, "MP2P_NOT_ALLOWED");
  t.is((await receive(t, its.folder, "cleo", whole, "--yes").ended).code, 0);
  t.is((await secret.ended).code, 0);
  arrived(t, its, "cleo");
});

test("where nobody hears groups, both ends say that the cast went by unicast", async (t) => {
  const its = scene(t, MB);
  const sender = cast(t, its.folder, its.source, "--discovery", "off");
  const anna = receive(t, its.folder, "anna", (await sender.event("ready")).ticket, "--yes");
  for (const end of [anna, sender]) {
    t.is((await end.ended).code, 0);
    t.is((await end.event("done")).path, "direct");
  }
});

test("only keys that are allowed receive", async (t) => {
  const its = scene(t, 10_000);
  const { keyText } = await Identity.load({ home: join(its.folder, "anna") });
  const sender = cast(t, its.folder, its.source, "--allow", keyText);
  const { ticket } = await sender.event("ready");
  t.is(parseTicket(ticket).castSecret, undefined);
  const stranger = receive(t, its.folder, "bert", ticket, "--yes");
  t.is((await stranger.ended).code, 5);
  t.like(await stranger.event("error"), {
    code: "MP2P_NOT_ALLOWED",
    hint: "ask the sender for its cast's ticket, or to allow the key that `mp2p id` shows",
  });
  t.is((await receive(t, its.folder, "anna", ticket, "--yes").ended).code, 0);
  t.is((await sender.ended).code, 0);
});

test("inboxes that trust the sender take its cast by themselves, others do not", async (t) => {
  const its = scene(t, MB);
  const { keyText } = await Identity.load({ home: join(its.folder, "sender") });
  const { keyText: other } = await Identity.generate();
  const inbox = (name: string, trusted: string) => {
    const into = join(its.folder, `into-${name}`);
    const args = ["listen", "--into", into, "--allow", trusted, "--json", ...BIND];
    return new Command(t, join(its.folder, name), args);
  };
  const [anna, bert] = [inbox("anna", keyText), inbox("bert", other)];
  await Promise.all([anna.event("ready"), bert.event("ready")]);
  const first = cast(t, its.folder, its.source, "--open");
  t.is((await first.ended).code, 0);
  t.is((await first.event("done")).receivers, 1);
  t.like(await anna.event("done"), { peer: keyText, files: 2 });
  arrived(t, its, "anna");
  t.false(bert.events.some(({ t: kind }) => kind !== "ready"));

  const mine = await Identity.load({ home: join(its.folder, "cleo") });
  const cleo = inbox("cleo", keyText);
  await cleo.event("ready");
  const second = cast(t, its.folder, its.source, "--allow", mine.keyText);
  t.is((await second.ended).code, 0);
  await cleo.event("done");
  arrived(t, its, "cleo");
  t.false(
    anna.events.some(({ t: kind }) => kind === "error"),
    "what is for others is no error",
  );
});

test("mistakes are told before anything begins", async (t) => {
  const folder = temporaryFolder(t);
  const mistakes = [
    ["cast", join(folder, "missing")],
    ["cast", folder, "-"],
    ["cast", folder, "--rate", "fast"],
    ["cast", folder, "--policy", "required"],
    ["cast", folder, "--open", "--allow", "k"],
    ["cast", folder, "--min", "0"],
  ];
  for (const [at, args] of mistakes.entries()) {
    const { code } = await new Command(t, join(folder, "home"), args).ended;
    t.is(code, at === 0 ? 8 : 2, args.join(" "));
  }
});
