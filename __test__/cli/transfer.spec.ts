/** Files between two processes by the real binary. */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { Command, temporaryFolder } from "./command.ts";

const LOOPBACK = ["--bind", "127.0.0.1:0"];
/** Large enough that a first progress event comes before the end. */
const LARGE_BYTES = process.env.MP2P_SOAK === "1" ? 2e9 : 4e8;

/** A folder with a nested, an empty and an executable file, and an empty folder. */
function makeTree(root: string): string {
  mkdirSync(join(root, "tree", "nested", "empty"), { recursive: true });
  writeFileSync(join(root, "tree", "letter.txt"), "Dear Bob\n");
  writeFileSync(join(root, "tree", "nothing"), "");
  writeFileSync(join(root, "tree", "nested", "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(root, "tree", "nested", "noise"), Buffer.alloc(3_000_000, "mp2p"));
  return join(root, "tree");
}

function contents(root: string): Record<string, string> {
  const names = readdirSync(root, { recursive: true }) as string[];
  const entries = names.map((name): [string, string] => {
    const path = join(root, name);
    const stat = statSync(path);
    const content = stat.isFile()
      ? createHash("sha256").update(readFileSync(path)).digest("hex")
      : "";
    return [name, `${(stat.mode & 0o777).toString(8)} ${content}`];
  });
  return Object.fromEntries(entries);
}

function inbox(t: ExecutionContext, root: string, ...args: string[]): Command {
  const options = ["listen", "--into", join(root, "in"), "--once", "--json", ...LOOPBACK];
  return new Command(t, join(root, "bob"), [...options, ...args]);
}

test("a home folder that keeps no journal does not keep files from being sent", async (t) => {
  const root = temporaryFolder(t);
  const tree = makeTree(root);
  const bob = inbox(t, root, "--accept", "all");
  const { ticket } = await bob.event("ready");
  mkdirSync(join(root, "alice"));
  writeFileSync(join(root, "alice", "transfers"), "no folder");
  const alice = new Command(t, join(root, "alice"), ["send", tree, "--to", ticket]);
  const { code, stderr } = await alice.ended;
  t.is(code, 0, stderr);
  await bob.ended;
  t.deepEqual(contents(join(root, "in", "tree")), contents(tree));
});

test("a folder goes to an inbox, and both sides say so in order", async (t) => {
  const root = temporaryFolder(t);
  const tree = makeTree(root);
  const bob = inbox(t, root, "--accept", "all");
  const { ticket, key } = await bob.event("ready");
  const alice = new Command(t, join(root, "alice"), ["send", tree, "--to", ticket, "--json"]);
  const [sent, received] = await Promise.all([alice.ended, bob.ended]);

  t.is(sent.code, 0, sent.stdout + sent.stderr);
  t.is(received.code, 0, received.stdout + received.stderr);
  t.deepEqual(contents(join(root, "in", "tree")), contents(tree));
  t.false(existsSync(join(root, "in", ".mp2p")), "no journal is left");

  const order = ["ready", "path", "offer", "accept", "file", "done"] as const;
  const kinds = bob.events.map((event) => event.t);
  t.deepEqual(
    [...new Set(kinds)].filter((kind) => kind !== "progress"),
    [...order],
  );
  t.is(alice.events.at(-1)?.t, "done");
  for (const { v, at } of [...alice.events, ...bob.events]) t.true(v === 1 && at > 1.7e12);

  const path = await alice.event("path");
  t.like(path, { peer: key, path: "loopback" });
  const done = await alice.event("done");
  t.like(done, { bytes: 3_000_019, files: 4, path: "loopback", resumedBytes: 0, peer: key });
  t.true("wireBytes" in done && done.wireBytes > 3_000_019 && done.wireBytes < 3_300_000);
  const progress = await alice.event("progress", ({ confirmed, total }) => confirmed === total);
  t.like(progress, { total: 3_000_019, filesTotal: 4 });
});

test("an offer waits for its receiver", async (t) => {
  const root = temporaryFolder(t);
  const tree = makeTree(root);
  const alice = new Command(t, join(root, "alice"), ["send", tree, "--json", ...LOOPBACK]);
  const { ticket } = await alice.event("ready");
  const into = join(root, "in");
  const bob = new Command(t, join(root, "bob"), ["receive", "-o", into, "--yes", "--json"], {
    env: { MP2P_TICKET: ticket },
  });
  const [sent, received] = await Promise.all([alice.ended, bob.ended]);
  t.is(sent.code, 0, sent.stdout + sent.stderr);
  t.is(received.code, 0, received.stdout + received.stderr);
  t.deepEqual(contents(join(into, "tree")), contents(tree));
});

test("an offer is for its first user only", async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "large"), "");
  truncateSync(join(root, "large"), LARGE_BYTES);
  const alice = new Command(t, join(root, "alice"), [
    "send",
    join(root, "large"),
    "--json",
    ...LOOPBACK,
  ]);
  const { ticket } = await alice.event("ready");
  const take = (who: string) =>
    new Command(t, join(root, who), [
      "receive",
      ticket,
      "-o",
      join(root, who, "in"),
      "--yes",
      "--json",
    ]);
  const bob = take("bob");
  await bob.event("accept");
  bob.child.kill("SIGSTOP");
  const eve = take("eve");
  const refused = await eve.ended;
  bob.child.kill("SIGCONT");
  t.is(refused.code, 5, refused.stdout);
  t.like(eve.events.at(-1), { t: "error", code: "MP2P_NOT_ALLOWED" });
  t.is((await bob.ended).code, 0);
});

test("Ctrl-C ends with 130, and the same command resumes", async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "large"), "");
  truncateSync(join(root, "large"), LARGE_BYTES);
  const alice = new Command(t, join(root, "alice"), [
    "send",
    join(root, "large"),
    "--json",
    ...LOOPBACK,
  ]);
  const { ticket } = await alice.event("ready");
  const receive = ["receive", ticket, "-o", join(root, "in"), "--yes", "--json"];
  const first = new Command(t, join(root, "bob"), receive);
  await first.event("progress", ({ confirmed }) => confirmed > 10e6);
  first.child.kill("SIGINT");
  t.is((await first.ended).code, 130);
  const last = first.events.at(-1);
  t.like(last, { t: "error", code: "MP2P_INTERRUPTED" });
  t.true(last?.t === "error" && last.hint?.includes("again"));

  const second = new Command(t, join(root, "bob"), receive);
  const [sent, received] = await Promise.all([alice.ended, second.ended]);
  t.is(received.code, 0, received.stdout + received.stderr);
  t.is(sent.code, 0, sent.stdout + sent.stderr);
  const done = await second.event("done");
  t.true("resumedBytes" in done && done.resumedBytes > 5e6 && done.bytes === LARGE_BYTES);
  t.is(statSync(join(root, "in", "large")).size, LARGE_BYTES);
});

test("a killed receiver comes back with the same ticket and resumes", async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "large"), "");
  truncateSync(join(root, "large"), LARGE_BYTES);
  const alice = new Command(t, join(root, "alice"), [
    "send",
    join(root, "large"),
    "--json",
    ...LOOPBACK,
  ]);
  const { ticket } = await alice.event("ready");
  const receive = ["receive", ticket, "-o", join(root, "in"), "--yes", "--json"];
  const first = new Command(t, join(root, "bob"), receive);
  await first.event("progress", ({ confirmed }) => confirmed > 10e6);
  first.child.kill("SIGKILL");
  await first.ended;
  const second = new Command(t, join(root, "bob"), receive);
  t.is((await second.ended).code, 0);
  t.is((await alice.ended).code, 0);
  const done = await second.event("done");
  t.true("resumedBytes" in done && done.resumedBytes > 5e6);
});

test("an existing file is kept, renamed or replaced as asked, and refused where nobody can be asked", async (t) => {
  const expected = {
    ask: { code: 9, files: { note: "mine" } },
    skip: { code: 0, files: { note: "mine" } },
    rename: { code: 0, files: { note: "mine", "note (1)": "theirs" } },
    overwrite: { code: 0, files: { note: "theirs" } },
  };
  for (const [how, { code, files }] of Object.entries(expected)) {
    const root = temporaryFolder(t);
    mkdirSync(join(root, "in"));
    writeFileSync(join(root, "in", "note"), "mine");
    writeFileSync(join(root, "note"), "theirs");
    const bob = inbox(t, root, "--accept", "all", "--on-conflict", how);
    const { ticket } = await bob.event("ready");
    const alice = new Command(t, join(root, "alice"), [
      "send",
      join(root, "note"),
      "--to",
      ticket,
      "--json",
    ]);
    const [sent, received] = await Promise.all([alice.ended, bob.ended]);
    t.is(received.code, code, `${how}: ${received.stdout}`);
    t.is(sent.code, code, `${how}: ${sent.stdout}`);
    const names = readdirSync(join(root, "in")).filter((name) => name !== ".mp2p");
    const found = names.map((name) => [name, readFileSync(join(root, "in", name), "utf8")]);
    t.deepEqual(Object.fromEntries(found), files, how);
  }
});

test("who resumes says so, and who is refused for a file that exists does not", async (t) => {
  for (const [how, code] of [
    ["ask", 9],
    ["skip", 0],
  ] as const) {
    const root = temporaryFolder(t);
    const tree = makeTree(root);
    cpSync(tree, join(root, "in", "tree"), { recursive: true });
    for (const folder of [tree, join(root, "in", "tree")])
      utimesSync(join(folder, "nested", "noise"), 1e9, 1e9);
    const alice = new Command(t, join(root, "alice"), ["send", tree, "--json", ...LOOPBACK]);
    const { ticket } = await alice.event("ready");
    const into = ["-o", join(root, "in"), "--yes", "--on-conflict", how];
    const bob = new Command(t, join(root, "bob"), ["receive", ticket, ...into]);
    const { stderr, code: ended } = await bob.ended;
    t.is(ended, code, stderr);
    t.is(stderr.includes("resuming"), code === 0, stderr);
    t.is((await alice.ended).code, code);
  }
});

test("an inbox that must ask refuses where there is no terminal", async (t) => {
  const root = temporaryFolder(t);
  const tree = makeTree(root);
  const bob = inbox(t, root);
  const { ticket } = await bob.event("ready");
  const alice = new Command(t, join(root, "alice"), ["send", tree, "--to", ticket, "--json"]);
  t.is((await alice.ended).code, 5);
  const said = await alice.event("error");
  t.is(said.code, "MP2P_REFUSED");
  t.regex(said.hint ?? "", /receiver.*--accept/);
  const refusal = await bob.event("error");
  t.true(refusal.hint?.includes("--accept"));
  bob.child.kill("SIGTERM");
  t.is((await bob.ended).code, 143);
  t.like(bob.events.at(-1), { t: "error", code: "MP2P_INTERRUPTED" });
  t.false(existsSync(join(root, "in", "tree")));
});

test("a trusting inbox takes from the keys it was told, and from nobody else", async (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "note"), "hello");
  const id = new Command(t, join(root, "alice"), ["id", "--json"]);
  await id.ended;
  const { key } = JSON.parse((await id.ended).stdout) as { key: string };
  mkdirSync(join(root, "bob"));
  writeFileSync(join(root, "bob", "contacts"), `${key} alice\n`);
  const bob = inbox(t, root, "--accept", "trusted");
  const { ticket } = await bob.event("ready");
  const send = (who: string) =>
    new Command(t, join(root, who), ["send", join(root, "note"), "--to", ticket, "--json"]);
  const eve = send("eve");
  const refused = await eve.ended;
  t.is(refused.code, 5, refused.stdout + refused.stderr);
  t.like(eve.events.at(-1), { t: "error", code: "MP2P_NOT_ALLOWED" });
  t.is((await send("alice").ended).code, 0);
  t.is((await bob.ended).code, 0);
});
