/** What the shipped typings are to a program of somebody else: sound by themselves, and nothing but what is offered. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import test from "ava";

const execute = promisify(execFile);
const TIMEOUT_MS = 120_000;

const OPTIONS = ["--noEmit", "--strict", "--skipLibCheck", "false", "--types", "node"];
const NODE = ["--module", "nodenext", "--target", "es2022"];

const PROGRAM = `
import { Endpoint, Group, Identity, Session, Stream } from "mp2p";

const endpoint: Endpoint = await Endpoint.open({ identity: await Identity.generate() });
const session: Session = await endpoint.connect("a ticket");
const stream: Stream = await session.openStream();
const group: Group = await endpoint.openGroup({ name: "a group" });
session.on("path", ({ kind, rttMs }) => kind === "lan" && rttMs.toFixed());
group.on("joined", ({ keyText }) => keyText.length);
stream.consume((bytes) => bytes.length);

// Endpoints make these, and what they do with them is their own affair.
// @ts-expect-error
new Session();
// @ts-expect-error
new Group();
// @ts-expect-error
new Stream();
// @ts-expect-error
session.throwIfClosed();
// @ts-expect-error
group.engine;
// @ts-expect-error
stream.onReadable();
`;

test("the typings check in a program that checks its libraries too, and keep internals to themselves", async (t) => {
  const place = await mkdtemp(join(tmpdir(), "mp2p-typings-"));
  t.teardown(() => rm(place, { recursive: true, force: true }));
  await mkdir(join(place, "node_modules"));
  await symlink(resolve("."), join(place, "node_modules", "mp2p"), "junction");
  await symlink(resolve("node_modules/@types"), join(place, "node_modules", "@types"), "junction");
  await writeFile(join(place, "program.mts"), PROGRAM);
  const tsc = [resolve("node_modules/typescript/bin/tsc"), ...OPTIONS, ...NODE, "program.mts"];
  const run = execute(process.execPath, tsc, { cwd: place, timeout: TIMEOUT_MS });
  const said = await run.then(
    () => "",
    ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
  );
  t.is(said, "");
});

test("no member marked @internal is among the typings", async (t) => {
  const files = await readdir("dist", { recursive: true });
  const typings = files.filter((name) => name.endsWith(".d.ts"));
  t.true(typings.includes("index.d.ts"));
  for (const name of typings)
    t.false((await readFile(join("dist", name), "utf8")).includes("@internal"), name);
});
