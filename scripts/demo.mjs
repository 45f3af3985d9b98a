/**
 * The main job, for everyone to see: two peers with their own keys in two processes; a real file
 * and a folder go from one to the other through the command line tool and are checked by SHA-256.
 */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { ROOT, say } from "./run.mjs";
import { setup } from "./setup.mjs";

const FILE_MEGABYTES = 256;
const PATIENCE_MS = 120_000;

if (!setup()) process.exit(1);
const place = mkdtempSync(join(tmpdir(), "mp2p-demo-"));
const children = new Set();
try {
  await demo();
} catch (error) {
  console.error(`demo failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const child of children) child.kill();
  rmSync(place, { recursive: true, force: true });
}

async function demo() {
  const source = makeFiles(join(place, "alice"));
  const inbox = join(place, "bob", "inbox");
  mkdirSync(inbox, { recursive: true });

  const listen = ["listen", "--into", inbox, "--accept", "all", "--once", "--json"];
  const bob = mp2p("bob", [...listen, "--bind", "127.0.0.1:0"]);
  const ready = await bob.event("ready");
  console.log(`bob      listens as ${ready.key}`);
  console.log(`ticket   ${ready.ticket}`);

  const alice = mp2p("alice", ["send", ...source, "--to", ready.ticket, "--json"]);
  const [path, done] = await Promise.all([alice.event("path"), alice.event("done")]);
  const [sent, received] = await Promise.all([alice.exit, bob.exit]);
  if (sent !== 0 || received !== 0) throw new Error(`exit codes ${sent} and ${received}`);

  const megabytes = done.bytes / 1e6;
  console.log(`path     ${path.path}: ${path.why}`);
  console.log(`backend  ${await backendName()}`);
  console.log(
    `rate     ${Math.round(megabytes / done.seconds)} MB/s: ${done.files} files, ` +
      `${megabytes.toFixed(1)} MB in ${done.seconds.toFixed(2)} s`,
  );
  await compare(join(place, "alice"), inbox);
}

/** A file of random bytes and a folder with a nested file, an empty file and an empty folder. */
function makeFiles(directory) {
  mkdirSync(join(directory, "folder", "nested", "empty"), { recursive: true });
  const descriptor = openSync(join(directory, "big.bin"), "w");
  for (let at = 0; at < FILE_MEGABYTES; at++) writeSync(descriptor, randomBytes(1_000_000));
  closeSync(descriptor);
  writeFileSync(join(directory, "folder", "letter.txt"), "Dear Bob, this came without a server.\n");
  writeFileSync(join(directory, "folder", "nested", "nothing"), "");
  writeFileSync(join(directory, "folder", "nested", "noise.bin"), randomBytes(3_000_000));
  return [join(directory, "big.bin"), join(directory, "folder")];
}

/** Starts the command line tool as a peer of its own. `event` waits for the first event of a kind. */
function mp2p(name, args) {
  const child = spawn(process.execPath, [join(ROOT, "dist", "cli", "main.js"), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, MP2P_HOME: join(place, name, "home") },
    timeout: PATIENCE_MS,
  });
  children.add(child);
  const seen = new Map();
  const waiting = new Map();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const event = JSON.parse(line);
    if (event.t === "error") say(`${name}: ${event.code}: ${event.message} ${event.hint ?? ""}`);
    if (!seen.has(event.t)) seen.set(event.t, event);
    waiting.get(event.t)?.(event);
  });
  const exit = new Promise((resolve) => {
    child.on("close", (code) => {
      children.delete(child);
      resolve(code ?? 1);
    });
  });
  const event = async (kind) => {
    if (seen.has(kind)) return seen.get(kind);
    const found = new Promise((resolve) => waiting.set(kind, resolve));
    const ended = exit.then((code) => {
      if (seen.has(kind)) return seen.get(kind);
      throw new Error(`${name} ended with exit code ${code} before "${kind}"`);
    });
    return Promise.race([found, ended]);
  };
  return { event, exit };
}

/** What the tool says of this device: both processes of the demo ran on it. */
async function backendName() {
  const doctor = mp2p("bob", ["doctor", "--bind", "127.0.0.1:0", "--json"]);
  const { checks } = await doctor.event("done");
  return checks.find(({ name }) => name === "backend").detail.split(";")[0];
}

/** Prints the SHA-256 of each file on both sides; throws where they differ or one is missing. */
async function compare(from, to) {
  const files = readdirSync(from, { recursive: true })
    .filter((name) => !name.startsWith("home") && statSync(join(from, name)).isFile())
    .sort();
  for (const name of files) {
    const [sent, received] = await Promise.all([sha256(join(from, name)), sha256(join(to, name))]);
    if (sent !== received) throw new Error(`${name} differs: sent ${sent}, received ${received}`);
    console.log(`sha256   ${sent}  ${name}`);
  }
  if (!statSync(join(to, "folder", "nested", "empty")).isDirectory()) throw new Error("no folder");
  console.log(`equal    ${files.length} files on both sides`);
}

async function sha256(path) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
