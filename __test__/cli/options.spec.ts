import { readFileSync } from "node:fs";
import test from "ava";
import { parseContacts } from "../../src/cli/contacts.ts";
import { bindAddresses, durationMs } from "../../src/cli/options.ts";
import { buildProgram, VERSION } from "../../src/cli/program.ts";
import { conflictAnswer, yesNoAnswer } from "../../src/cli/question.ts";

/** Parses a command line without running it. @returns the options its command would get. */
async function parse(...args: string[]): Promise<Record<string, unknown>> {
  let seen: Record<string, unknown> = {};
  const program = buildProgram(async (options) => {
    seen = { ...options };
  });
  for (const command of [program, ...program.commands]) {
    command.configureOutput({ writeErr: () => undefined }).exitOverride();
  }
  await program.parseAsync(args, { from: "user" });
  return seen;
}

test("global options may stand before and behind the command", async (t) => {
  t.is((await parse("--json", "id")).json, true);
  t.is((await parse("id", "--json")).json, true);
  t.is((await parse("id")).color, true);
  t.is((await parse("id", "--no-color")).color, false);
});

test("the forms scripts rely on are understood", async (t) => {
  const listen = await parse(
    "listen",
    "--into",
    "in",
    "--accept",
    "all",
    "--once",
    "--bind",
    "127.0.0.1:0",
    "--json",
  );
  t.like(listen, {
    into: "in",
    accept: "all",
    once: true,
    bind: ["127.0.0.1:0"],
    json: true,
    onConflict: "ask",
  });
  t.like(await parse("send", "a", "b", "--to", "mp2p1x", "--json"), { to: "mp2p1x", json: true });
  t.like(await parse("send", "a", "--wait", "90s"), { wait: 90_000 });
  t.like(await parse("receive", "mp2p1x", "-o", "out", "--yes"), { output: "out", yes: true });
  t.like(await parse("listen", "--pipe", "--allow", "k1", "k2"), {
    pipe: true,
    allow: ["k1", "k2"],
  });
  t.like(await parse("connect", "mp2p1x"), { timeout: 20_000 });
});

test("mistakes are refused as mistakes in usage", async (t) => {
  const wrong = [
    ["listen"],
    ["listen", "--pipe", "--into", "in"],
    ["listen", "--into", "in", "--accept", "some"],
    ["send"],
    ["send", "a", "--wait", "soon"],
    ["listen", "--into", "in", "--bind", "localhost"],
    ["lisen"],
    ["id", "--jsn"],
  ];
  for (const args of wrong) {
    const error = await t.throwsAsync(parse(...args), undefined, args.join(" "));
    t.not((error as unknown as { exitCode: number }).exitCode, 0, args.join(" "));
  }
});

test("durations have units", (t) => {
  t.deepEqual(
    ["90", "90s", "1.5m", "2h", "1d"].map(durationMs),
    [90_000, 90_000, 90_000, 7_200_000, 86_400_000],
  );
  for (const text of ["", "0", "-1s", "1w", "s", "1e3", "30d"])
    t.is(durationMs(text), undefined, text);
});

test("bind addresses need a port; a port alone means every address", (t) => {
  t.deepEqual(bindAddresses("4000"), ["0.0.0.0:4000", "[::]:4000"]);
  t.deepEqual(bindAddresses(":4000"), ["0.0.0.0:4000", "[::]:4000"]);
  t.deepEqual(bindAddresses("[::1]:0"), ["[::1]:0"]);
  t.deepEqual(bindAddresses("[fe80::1%eth0.5]:1"), ["[fe80::1%eth0.5]:1"]);
  const wrong = [
    "",
    "127.0.0.1",
    "127.0.0.1:65536",
    "host:1",
    "::1:4000",
    "300.2.3.4:0",
    "[zz::1]:0",
  ];
  for (const text of wrong) {
    t.is(bindAddresses(text), undefined, text);
  }
});

test("a contact is a key, then whatever helps people", (t) => {
  const key = "y".repeat(52);
  const keys = parseContacts(
    `# friends\n\n  ${key} anna's laptop # since May\n${key}\r\n`,
    "contacts",
  );
  t.is(keys.length, 2);
  const error = t.throws(() => parseContacts(`${key}\nanna`, "contacts"), {
    code: "MP2P_KEY_INVALID",
  });
  t.true(error.message.includes("line 2"));
});

test("only a clear answer is an answer", (t) => {
  t.deepEqual(["", "y", " YES ", "n", "No", "maybe"].map(yesNoAnswer), [
    true,
    true,
    true,
    false,
    false,
    undefined,
  ]);
});

test("a conflict has no answer by default, and one answer can stand for all", (t) => {
  for (const line of ["", "y", "all", "sx"]) t.is(conflictAnswer(line), undefined, line);
  t.deepEqual(conflictAnswer("o"), { conflict: "overwrite", forAll: false });
  t.deepEqual(conflictAnswer(" SA "), { conflict: "skip", forAll: true });
  t.deepEqual(conflictAnswer("rename all"), { conflict: "rename", forAll: true });
});

test("--version is the package's", (t) => {
  t.is(VERSION, (JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version);
});
