import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import test from "ava";
import { ERROR_CODES, Mp2pError } from "../../src/base/errors.ts";
import { EXIT, EXIT_OF_CODE } from "../../src/cli/exit-codes.ts";
import { CliError, codeOf, errorEvent, exitCodeOf, Interruption } from "../../src/cli/failure.ts";
import { abortOnLostOutput } from "../../src/cli/outputs.ts";

const COMMAND_CODES = ["MP2P_INTERRUPTED", "MP2P_INTERNAL"];

test("every error code has an exit code that says failure, and there are no others", (t) => {
  t.deepEqual(Object.keys(EXIT_OF_CODE).sort(), [...ERROR_CODES, ...COMMAND_CODES].sort());
  for (const [code, exit] of Object.entries(EXIT_OF_CODE)) t.not(exit, EXIT.done, code);
});

test("the exit codes are those of the manual", (t) => {
  const manual = readFileSync("docs/CLI.md", "utf8");
  const rows = [...manual.matchAll(/^\| (\d+) \|/gm)].map(([, exit]) => Number(exit));
  t.deepEqual(rows, Object.values(EXIT));
});

test("docs/ERRORS.md explains every code and gives its exit code", (t) => {
  const manual = readFileSync("docs/ERRORS.md", "utf8");
  const rows = [...manual.matchAll(/^\| `(MP2P_\w+)` \| (\d+) \| (.+) \| (.+) \|$/gm)];
  const listed = Object.fromEntries(rows.map(([, code, exit]) => [code, Number(exit)]));
  t.deepEqual(listed, { ...EXIT_OF_CODE });
});

test("signals end with their own codes", (t) => {
  t.is(exitCodeOf(new Interruption("SIGHUP")), 129);
  t.is(exitCodeOf(new Interruption("SIGINT")), 130);
  t.is(exitCodeOf(new Interruption("SIGTERM")), 143);
});

test("errors of the system get the code of what they mean, others count as defects", (t) => {
  t.is(codeOf(Object.assign(new Error(), { code: "ENOSPC" })), "MP2P_DISK_FULL");
  t.is(codeOf(Object.assign(new Error(), { code: "EADDRINUSE" })), "MP2P_PORT_IN_USE");
  for (const odd of [new TypeError("x"), undefined, null, "text", { code: "toString" }]) {
    t.is(codeOf(odd), "MP2P_INTERNAL");
  }
});

test("an error event holds message, causes and hint", (t) => {
  const cause = new Error("no answer", { cause: new Error("socket closed") });
  const error = new Mp2pError("MP2P_NO_PATH", "no path to the peer", {
    cause,
    hint: "mp2p doctor",
  });
  t.deepEqual(errorEvent(error), {
    t: "error",
    code: "MP2P_NO_PATH",
    message: "no path to the peer",
    why: "no answer: socket closed",
    hint: "mp2p doctor",
  });
  const said = new Mp2pError("MP2P_NO_NETWORK", "cannot bind", { cause: new Error("cannot bind") });
  t.false("why" in errorEvent(said), "nothing is said twice");
  t.deepEqual(errorEvent(new CliError("MP2P_USAGE", "no")), {
    t: "error",
    code: "MP2P_USAGE",
    message: "no",
  });
  const ofPeer = {
    MP2P_TARGET: /target folder/,
    MP2P_REFUSED: /ask the receiver/,
    MP2P_TIMEOUT: /--wait/,
  } as const;
  for (const [code, hint] of Object.entries(ofPeer)) {
    const said = new Mp2pError(code as keyof typeof ofPeer, "the peer ended it: it says why");
    t.regex(errorEvent(said).hint ?? "", hint, `what the peer reports has a hint too: ${code}`);
  }
});

test("a terminal that was closed is a hang-up, whether a write or the signal tells first", (t) => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  const lost = abortOnLostOutput([terminal]);
  terminal.emit("error", Object.assign(new Error("write EIO"), { code: "EIO" }));
  t.is(exitCodeOf(lost.reason), 129);
});
