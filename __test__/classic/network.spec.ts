/**
 * The classic profile on real sockets: over the loopback interface, between two network namespaces,
 * and with the Go peer of `go/` on either side. What cannot run here is skipped and says why.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, platform, tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { ascii, fromHex, toHex } from "../../src/base/bytes.ts";
import { callClassic } from "../../src/classic/call.ts";
import { type ServeClassicOptions, serveClassic } from "../../src/classic/serve.ts";
import { Identity } from "../../src/endpoint/identity.ts";
import { MAIN, temporaryFolder } from "../cli/command.ts";
import { failureOf, Process } from "../support/process.ts";
import { testWhere } from "../support/where.ts";

const GO = "__test__/classic/go";
const place = mkdtempSync(join(tmpdir(), "mp2p-classic-"));
const peer = join(place, "peer");
const spaces = [`mp2p-cl-${process.pid}-a`, `mp2p-cl-${process.pid}-b`] as const;
const loopback = Object.entries(networkInterfaces()).find(([, addresses]) =>
  addresses?.some(({ internal, family }) => internal && family === "IPv4"),
)?.[0];

const loopbackMissing =
  platform() !== "linux" ? "not Linux" : loopback === undefined ? "no loopback" : undefined;
const goMissing =
  platform() !== "linux" ? "not Linux" : failureOf(["go", "build", "-o", peer, "."], { cwd: GO });
const spacesMissing = platform() !== "linux" ? "not Linux" : makeSpaces();

test.after.always(() => {
  for (const space of spaces) failureOf(["ip", "netns", "del", space]);
  rmSync(place, { recursive: true, force: true });
});

/** Two namespaces joined by one cable, with addresses of both families. */
function makeSpaces(): string | undefined {
  const [a, b] = spaces;
  const commands = [
    `netns add ${a}`,
    `netns add ${b}`,
    `link add v0 netns ${a} type veth peer name v0 netns ${b}`,
  ];
  for (const [at, space] of spaces.entries()) {
    commands.push(
      `-n ${space} addr add 10.99.0.${at + 1}/24 dev v0`,
      `-n ${space} addr add fd00:99::${at + 1}/64 dev v0 nodad`,
      `-n ${space} link set lo up`,
      `-n ${space} link set v0 addrgenmode none`,
      `-n ${space} link set v0 up`,
    );
  }
  for (const command of commands) {
    const failure = failureOf(["ip", ...command.split(" ")]);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** A server on the loopback interface, closed when the test ends. */
async function loopbackServer(t: ExecutionContext, options: Partial<ServeClassicOptions> = {}) {
  const server = await serveClassic({
    identity: await Identity.generate(),
    interface: loopback ?? "",
    port: 21_024,
    answer: ({ text }) => ascii(`${text.length} bytes`),
    ...options,
  });
  t.teardown(() => server[Symbol.asyncDispose]());
  const address = server.address.slice(0, server.address.lastIndexOf(":"));
  return { ...server, group: address.replace(/^\[|\]$/g, "") };
}

testWhere([loopbackMissing], "client and server speak over loopback multicast", async (t) => {
  const heard: string[] = [];
  const server = await loopbackServer(t, {
    answer: ({ text, peer: key }) => {
      heard.push(`${toHex(key).length} ${text.length}`);
      return ascii(`${text.length} bytes`);
    },
  });
  const identity = await Identity.generate();
  const call = { identity, interface: loopback ?? "", address: server.group, key: server.key };
  const messages = [ascii("one"), new Uint8Array(1455), new Uint8Array(0)];
  const answers = await callClassic({ ...call, messages, port: 21_024, localPort: 21_025 });
  t.deepEqual(answers, [ascii("3 bytes"), ascii("1455 bytes"), ascii("0 bytes")]);
  t.deepEqual(heard, ["64 3", "64 1455", "64 0"]);
});

testWhere([loopbackMissing], "a call with a wrong key ends with what was tried", async (t) => {
  const server = await loopbackServer(t);
  const identity = await Identity.generate();
  const call = { identity, interface: loopback ?? "", address: server.group };
  const wrong = { ...call, key: identity.key, messages: [ascii("x")], port: 21_024 };
  await t.throwsAsync(callClassic({ ...wrong, timeoutMs: 300, localPort: 21_026 }), {
    code: "MP2P_TIMEOUT",
    message: /nothing was heard/,
  });
  t.true((server.drops().destination ?? 0) >= 1);
  const usage = { ...wrong, key: server.key };
  for (const mistaken of [
    { ...usage, interface: "none0" },
    { ...usage, address: "192.0.2.1" },
    { ...usage, address: "ff1e::1]" },
    { ...usage, messages: [new Uint8Array(1456)] },
  ]) {
    await t.throwsAsync(callClassic(mistaken), { code: "MP2P_USAGE" });
  }
  const stopped = callClassic({ ...usage, signal: AbortSignal.abort(new Error("stop")) });
  await t.throwsAsync(stopped, { message: "stop" });
});

testWhere([loopbackMissing], "the commands print what the original's programs print", async (t) => {
  const mp2p = (...args: string[]) =>
    new Process(t, [process.execPath, MAIN, "classic", ...args], { MP2P_HOME: temporaryFolder(t) });
  const where = ["--interface", loopback ?? "", "--port", "21027"];
  const server = mp2p("serve", ...where, "--reply", "Hi this is \u001b[2J us");
  const [address, key] = [await server.line("my addr: "), await server.line("my publ: ")];
  const target = ["--address", address, "--key", key];
  const call = mp2p("call", ...where, ...target, "--text", "Hello");
  t.deepEqual(await call.output(), ["Hi this is \\u001b[2J us"]);
  await server.line("Hello");

  const listed = mp2p("serve", ...where, "--json");
  const ready = JSON.parse(`{${await listed.line("{")}`) as Record<string, unknown>;
  t.like(ready, { t: "ready", v: 1, port: 21_027 });
  const echo = ["--address", String(ready.address), "--key", String(ready.key)];
  const answered = mp2p("call", ...where, ...echo, "--text", "Echo", "--json");
  const done = JSON.parse((await answered.output()).at(-1) ?? "") as unknown;
  t.like(done, { t: "done", peer: ready.key, text: "Echo" });
});

/** Runs in one of the namespaces. */
function inSpace(t: ExecutionContext, at: 0 | 1, command: readonly string[]): Process {
  const env = { MP2P_HOME: temporaryFolder(t) };
  return new Process(t, ["ip", "netns", "exec", spaces[at], ...command], env);
}

const mp2p = [process.execPath, MAIN, "classic"];
const FAMILIES: readonly (readonly [name: string, flags: readonly string[], goGroup: string])[] = [
  ["IPv6", [], "ff1e:1:2:3:4:5:6:7"],
  ["IPv6 by prefix", ["--prefix"], "ff3e:40:fd00:99::4567:89ab"],
  ["IPv4", ["--ipv4"], "224.0.245.100"],
];

for (const [name, flags, goGroup] of FAMILIES) {
  testWhere([spacesMissing], `${name}: client and server speak over a cable`, async (t) => {
    const server = inSpace(t, 0, [...mp2p, "serve", "--interface", "v0", ...flags]);
    const [address, key] = [await server.line("my addr: "), await server.line("my publ: ")];
    const target = ["--interface", "v0", "--address", address, "--key", key];
    const call = inSpace(t, 1, [...mp2p, "call", ...target, "--text", `over ${name}`]);
    t.deepEqual(await call.output(), [`over ${name}`]);
    await server.line(`over ${name}`);
  });

  testWhere([spacesMissing, goMissing], `${name}: a Go client calls this server`, async (t) => {
    const server = inSpace(t, 0, [
      ...mp2p,
      "serve",
      "--interface",
      "v0",
      ...flags,
      "--reply",
      "ok",
    ]);
    const [address, key] = [await server.line("my addr: "), await server.line("my publ: ")];
    const own = ["-ifi", "v0", "-group", goGroup];
    const call = ["call", ...own, "-addr", address, "-publ", key, "-text", "from Go"];
    t.deepEqual(await inSpace(t, 1, [peer, ...call]).output(), ["ok"]);
    await server.line("from Go");
  });

  testWhere([spacesMissing, goMissing], `${name}: this client calls a Go server`, async (t) => {
    const serve = ["serve", "-ifi", "v0", "-group", goGroup, "-text", "Go answers"];
    const server = inSpace(t, 0, [peer, ...serve]);
    const key = await server.line("my publ: ");
    const target = ["--interface", "v0", "--address", goGroup, "--key", key];
    const call = inSpace(t, 1, [...mp2p, "call", ...target, "--text", "to Go"]);
    t.deepEqual(await call.output(), ["Go answers"]);
    await server.line("to Go");
  });
}

testWhere([goMissing], "the frozen messages are those the Go peer writes today", async (t) => {
  const printed = await new Process(t, [peer, "vectors"]).output();
  const { readFileSync } = await import("node:fs");
  const frozen = JSON.parse(readFileSync("__test__/vectors/classic.json", "utf8")) as unknown;
  t.deepEqual(JSON.parse(printed.join("\n")), frozen);
  t.truthy(fromHex((frozen as Record<string, string>).data ?? "-"));
});
