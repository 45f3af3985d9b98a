/** Identity, errors and exit codes by the real binary. */
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import test from "ava";
import { EXIT_OF_SIGNAL } from "../../src/cli/exit-codes.ts";
import { formatTicket, parseTicket } from "../../src/rendezvous/ticket.ts";
import { Command, type Ended, temporaryFolder } from "./command.ts";

function lastEvent({ stdout }: Ended): Record<string, unknown> {
  return JSON.parse(stdout.trim().split("\n").at(-1) as string) as Record<string, unknown>;
}

test("help loads neither the addon nor libsodium, and nothing complains, whatever Node it is", async (t) => {
  // The environment makes every backend fail, so help that needed one would too.
  const help = new Command(t, "/nonexistent", ["--help"], {
    env: { MP2P_BACKEND: "no such backend" },
  });
  const { code, stdout, stderr } = await help.ended;
  t.is(code, 0);
  t.is(stderr, "");
  for (const command of ["id", "send", "receive", "listen", "connect", "doctor"]) {
    t.true(stdout.includes(`  ${command}`), command);
  }
});

test("an identity is made once, for its owner only, and one per home", async (t) => {
  const root = temporaryFolder(t);
  const ask = async (who: string, ...args: string[]) =>
    (await new Command(t, join(root, who), ["id", ...args]).ended).stdout.trim();
  const plain = await ask("alice");
  t.regex(plain, /^[ybndrfg8ejkmcpqxot1uwisza345h769]{52}$/);
  const { t: kind, key } = JSON.parse(await ask("alice", "--json")) as { t: string; key: string };
  t.deepEqual([kind, key], ["done", plain]);
  t.not(await ask("bob"), plain);
  t.is(statSync(join(root, "alice", "identity")).mode & 0o777, 0o600);
});

test("every mistake ends with its exit code, an error event and a hint", async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "note"), "hello");
  const note = join(root, "note");
  const key = new Uint8Array(32).fill(9);
  const busy = createSocket("udp4");
  busy.bind(0, "127.0.0.1");
  await once(busy, "listening");
  t.teardown(() => busy.close());
  const taken = `127.0.0.1:${busy.address().port}`;
  // Nobody reads this socket: packets to it are lost in silence.
  const nobody = formatTicket({ key, candidates: [taken], sameHost: true });
  const expired = formatTicket({ key, candidates: [taken], sameHost: true, expires: 1000 });
  const mangled = nobody.slice(0, -1) + (nobody.endsWith("y") ? "b" : "y");

  const home = join(root, "home");
  execFileSync("mkfifo", [join(root, "fifo")]);
  const cases: [readonly string[], number, string, RegExp?][] = [
    [[], 2, "MP2P_USAGE"],
    [["listen"], 2, "MP2P_USAGE"],
    [["send", note, "--bind", "300.2.3.4:0"], 2, "MP2P_USAGE"],
    [["send", note, "--to", mangled], 2, "MP2P_TICKET_INVALID", /`mp2p send`.*mp2p1/],
    [["send", note, "--to", "y".repeat(51)], 2, "MP2P_TICKET_INVALID", /mp2p1.*52 .*`mp2p id`/],
    [["send", note, "--to", "v".repeat(52)], 2, "MP2P_KEY_INVALID", /52 .*`mp2p id`/],
    [["receive", expired], 3, "MP2P_TICKET_EXPIRED"],
    [["receive"], 2, "MP2P_USAGE"],
    [["send", note, "--to", nobody, "--timeout", "300ms"], 2, "MP2P_USAGE"],
    [["send", note, "--to", nobody, "--timeout", "0.5s"], 4, "MP2P_NO_PATH"],
    [["send", join(root, "missing"), "--to", nobody], 8, "MP2P_SOURCE"],
    [["send", join(root, "fifo"), "--wait", "0.2s"], 8, "MP2P_SOURCE", /`mp2p cast -`/],
    [["cast", join(root, "fifo"), "--wait", "0.2s"], 8, "MP2P_SOURCE", /`mp2p cast -`/],
    [["send", note, "--wait", "0.2s", "--bind", "127.0.0.1:0"], 11, "MP2P_TIMEOUT"],
    [["listen", "--into", root, "--accept", "all", "--bind", taken], 1, "MP2P_PORT_IN_USE"],
    [["listen", "--into", root, "--allow", "nonsense"], 2, "MP2P_KEY_INVALID", /`mp2p id`/],
    [["listen", "--into", note, "--accept", "all"], 8, "MP2P_TARGET"],
    [["connect", "mp2p1nonsense"], 2, "MP2P_TICKET_INVALID"],
    [["connect", nobody, "--nonsense"], 2, "MP2P_USAGE"],
    [["listen", "--pipe", "--bind", "[fe80::1%nope0]:0"], 4, "MP2P_NO_NETWORK"],
  ];
  for (const [args, code, error, hint = /./] of cases) {
    const isPipe = args[0] === "connect" || args.includes("--pipe");
    const env = { MP2P_TICKET: "" };
    const command = new Command(t, home, [...args, "--json"], { env });
    command.child.stdin.end();
    const ended = await command.ended;
    const label = `${args.join(" ")}: ${ended.stdout}${ended.stderr}`;
    t.is(ended.code, code, label);
    const last = lastEvent(isPipe ? { ...ended, stdout: ended.stderr } : ended);
    t.like(last, { t: "error", code: error }, label);
    t.regex(String(last.hint ?? ""), hint, label);
  }
});

test("a line of contacts without a key is named, with what a key looks like", async (t) => {
  const home = temporaryFolder(t);
  writeFileSync(join(home, "contacts"), "nonsense alice\n");
  const args = ["listen", "--into", join(home, "in"), "--accept", "trusted", "--json"];
  const ended = await new Command(t, home, args).ended;
  t.is(ended.code, 2, ended.stdout);
  const { message, hint } = lastEvent(ended);
  t.regex(String(message), /^line 1 of .*contacts/);
  t.regex(String(hint), /52 .*`mp2p id`/);
});

for (const [signal, code] of Object.entries(EXIT_OF_SIGNAL)) {
  test(`${signal} ends a command in order, with ${code}`, async (t) => {
    const root = temporaryFolder(t);
    const args = ["listen", "--into", root, "--accept", "all", "--bind", "127.0.0.1:0", "--json"];
    const command = new Command(t, join(root, "home"), args);
    await command.event("ready");
    command.child.kill(signal as NodeJS.Signals);
    const ended = await command.ended;
    t.is(ended.code, code);
    t.like(lastEvent(ended), { t: "error", code: "MP2P_INTERRUPTED" });
  });
}

test("people get message, reason and hint, and no stack", async (t) => {
  const root = temporaryFolder(t);
  const { code, stdout, stderr } = await new Command(t, root, ["receive", "mp2p1\u001b[2J"]).ended;
  t.is(code, 2);
  t.is(stdout, "");
  t.regex(stderr, /^error: this is not a valid ticket: .*\n {2}try: .*\n$/);
  t.false(stderr.includes("\u001b"));
});

test("an interface that is not there is named", async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "note"), "hello");
  const { stdout: key } = await new Command(t, join(root, "other"), ["id"]).ended;
  const where = ["--interface", "nope0", "--to", key.trim(), "--timeout", "1s"];
  const { code, stderr } = await new Command(t, root, ["send", join(root, "note"), ...where]).ended;
  t.is(code, 3, stderr);
  t.regex(stderr, /try: none of the interfaces asked for .*: nope0;/);
});

test("an interface that is not there is warned of, with those that are", async (t) => {
  const where = ["--interface", "nope0", "--bind", "127.0.0.1:0"];
  const home = temporaryFolder(t);
  const there = Object.keys(networkInterfaces()).join(", ");
  const scripted = await new Command(t, home, ["doctor", "--json", ...where]).ended;
  const [warning, done] = scripted.stdout.split("\n", 2).map((line) => JSON.parse(line));
  t.like(warning, {
    t: "warning",
    message: `no interface here is called nope0: there are ${there}`,
  });
  t.is(done.t, "done");
  const { stderr } = await new Command(t, home, ["doctor", ...where]).ended;
  t.regex(stderr, /^warning: no interface here is called nope0/);
});

test("a ticket is read from stdin", async (t) => {
  const root = temporaryFolder(t);
  const expired = formatTicket({ key: new Uint8Array(32).fill(9), candidates: [], expires: 1000 });
  const command = new Command(t, root, ["receive", "-", "--json"]);
  command.child.stdin.end(`${expired}\n`);
  const ended = await command.ended;
  t.is(ended.code, 3, ended.stdout);
});

test("a script gets the bare ticket of an offer", async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "note"), "hello");
  const args = ["send", join(root, "note"), "--wait", "0.3s", "--bind", "127.0.0.1:0"];
  const { stdout, stderr } = await new Command(t, root, args).ended;
  const ticket = parseTicket(stdout);
  t.is(ticket.token?.length, 16);
  t.true(ticket.sameHost);
  t.true(stderr.includes("nobody came within 0.30 s"), stderr);
});

test("doctor says which backend runs and why", async (t) => {
  const root = temporaryFolder(t);
  const env = { MP2P_BACKEND: "fallback" };
  const { code, stdout } = await new Command(t, root, ["doctor", "--json"], { env }).ended;
  t.is(code, 0);
  const { checks } = JSON.parse(stdout) as { checks: { name: string; detail: string }[] };
  t.true(checks.find(({ name }) => name === "backend")?.detail.startsWith("fallback"));
});
