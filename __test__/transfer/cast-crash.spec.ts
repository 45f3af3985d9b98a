/** What is on the disk of a cast's receiver when it, its machine or its disk fails. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { crc32c } from "../../src/base/crc32c.ts";
import { castFiles } from "../../src/transfer/cast-files.ts";
import { parseCastRows } from "../../src/transfer/cast-journal.ts";
import type { TransferSummary } from "../../src/transfer/events.ts";
import { receiveCast } from "../../src/transfer/receive-cast.ts";
import { type MemoryCastOptions, memoryCast } from "./memory-cast.ts";
import { listing, noise, patch, scratch } from "./support.ts";

const MIB = 1024 * 1024;
const SOAK = process.env.MP2P_SOAK === "1";
const BLOCK = 181_248;
/** Of 302 files: before the next one is placed, the receiver is gone. */
const PLACED = 150;

async function tree(t: ExecutionContext): Promise<string> {
  const from = await scratch(t);
  await mkdir(join(from, "top"));
  await writeFile(join(from, "top/large"), noise(8 * MIB + 3, 1));
  await writeFile(join(from, "top/larger"), noise(9 * MIB, 2));
  for (let n = 0; n < 300; n++) await writeFile(join(from, `top/${n}`), noise(1000 + n, n + 3));
  return from;
}

interface Attempt {
  readonly sent: number;
  /** What the sender was told of it. */
  readonly why: string | undefined;
  readonly end: TransferSummary | Error;
}

async function attempt(from: string, into: string, options: MemoryCastOptions = {}) {
  const { sender, receiver, sent } = memoryCast({ blockBytes: BLOCK, ...options });
  const { ticket, done } = await castFiles(sender, [join(from, "top")]);
  const end = await receiveCast(receiver, ticket, into).done.catch((error) => error);
  const [line] = (await done).receivers;
  return { sent: sent(), why: line?.why, end } as Attempt;
}

async function inboxOf(into: string): Promise<string> {
  return join(into, ".mp2p", (await readdir(join(into, ".mp2p")))[0] as string);
}

test("kill -9 of a receiver, anywhere and again, costs what was in flight", async (t) => {
  const from = await tree(t);
  const into = await scratch(t);
  const total = 17 * MIB;
  let before = 0;
  for (const share of SOAK ? [0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.99] : [0.3, 0.8]) {
    const written = await killed(join(from, "top"), into, share * total);
    t.true(written >= before, `${written} after ${before}`);
    before = written;
  }
  const { sent, end } = await attempt(from, into);
  t.true("files" in end, String(end));
  t.true(sent * BLOCK <= total - before + 8 * BLOCK, `${sent} blocks behind ${before} bytes`);
  t.deepEqual(await listing(into), await listing(from));
});

test("kill -9 while files are put in place loses none and doubles none", async (t) => {
  const from = await tree(t);
  const into = await scratch(t);
  await killed(join(from, "top"), into, Number.POSITIVE_INFINITY, PLACED);
  const names = await readdir(join(into, "top"));
  t.true(names.length > 0 && names.length <= PLACED, `${names.length} were placed`);
  const { end } = await attempt(from, into);
  t.true("files" in end, String(end));
  t.deepEqual(await listing(into), await listing(from));
});

test("after a reboot what is held is read, and damaged blocks come again", async (t) => {
  const from = await tree(t);
  const into = await scratch(t);
  await attempt(from, into, { cutAfterBlocks: 60 });
  const inbox = await inboxOf(into);
  otherBoot(join(inbox, "blocks"));
  for (const name of await readdir(inbox)) {
    if (!name.endsWith(".part")) continue;
    const fd = fs.openSync(join(inbox, name), "r+");
    fs.writeSync(fd, Buffer.alloc(100, 7), 0, 100, fs.fstatSync(fd).size - 100);
    fs.closeSync(fd);
  }
  const { sent, end } = await attempt(from, into);
  t.true("files" in end, String(end));
  const blocks = Math.ceil((17 * MIB + 3 + 300 * 1149.5) / BLOCK);
  t.true(sent > blocks - 60 && sent <= blocks - 56 + 3, `${sent} of ${blocks}`);
  t.deepEqual(await listing(into), await listing(from));
});

test("part files that were replaced, shortened or removed count for nothing", async (t) => {
  const from = await tree(t);
  for (const harm of ["replace", "shorten", "remove", "link"] as const) {
    const into = await scratch(t);
    await attempt(from, into, { cutAfterBlocks: 60 });
    const inbox = await inboxOf(into);
    for (const name of await readdir(inbox)) {
      const path = join(inbox, name);
      if (!name.endsWith(".part")) continue;
      if (harm === "shorten") fs.truncateSync(path, 10);
      if (harm === "link") fs.linkSync(path, `${path}.other`);
      if (harm === "remove" || harm === "replace") fs.renameSync(path, `${path}.old`);
      if (harm === "replace") fs.writeFileSync(path, Buffer.alloc(9 * MIB));
    }
    // Twice: what the first attempt found missing must not count as there for the second.
    await attempt(from, into, { cutAfterBlocks: 30 });
    const { end } = await attempt(from, into);
    t.true("files" in end, `${harm}: ${String(end)}`);
    t.deepEqual(await listing(into), await listing(from), harm);
  }
});

test("a file skipped in between comes whole when it is wanted again", async (t) => {
  const from = await tree(t);
  const into = await scratch(t);
  await attempt(from, into, { cutAfterBlocks: 30 });
  await mkdir(join(into, "top"), { recursive: true });
  await writeFile(join(into, "top/large"), "mine");
  const { sender, receiver } = memoryCast({ blockBytes: BLOCK, cutAfterBlocks: 40 });
  const { ticket } = await castFiles(sender, [join(from, "top")]);
  await t.throwsAsync(receiveCast(receiver, ticket, into, { onConflict: "skip" }).done);
  fs.unlinkSync(join(into, "top/large"));
  const { end } = await attempt(from, into);
  t.true("files" in end, String(end));
  t.deepEqual(await listing(into), await listing(from));
});

test("a journal cut or mangled anywhere is read as far as it is whole", (t) => {
  const header = Buffer.alloc(64);
  header.write("mp2pcast");
  header.writeUInt32BE(crc32c(header.subarray(0, 60)), 60);
  const rows = Array.from({ length: 6 }, (_, at) => {
    const row = Buffer.alloc(41, at + 1);
    row[0] = 1;
    row.writeUInt32BE(at, 1);
    row.writeUInt32BE(crc32c(row.subarray(0, 37)), 37);
    return row;
  });
  const whole = Buffer.concat([header, ...rows]);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), (at, flip, isCut) => {
      const bytes = Buffer.from(isCut ? whole.subarray(0, at) : whole);
      if (!isCut) bytes[at] = (bytes[at] as number) ^ flip;
      const parsed = parseCastRows(bytes);
      const isWhole = !isCut && flip === 0;
      if (at < 64 && !isWhole) t.is(parsed, undefined);
      else t.is(parsed?.blocks.size, isWhole ? 6 : Math.floor((at - 64) / 41));
    }),
    { numRuns: SOAK ? 5000 : 300 },
  );
});

test.serial("a full disk ends the cast for this receiver, and nothing is torn", async (t) => {
  const from = await tree(t);
  const into = await scratch(t);
  const { write, writeSync } = fs;
  let written = 0;
  const full = Object.assign(new Error("full"), { code: "ENOSPC" });
  const isFull = (length: number) => {
    written += length;
    return written > 6 * MIB;
  };
  // Blocks of a cast are written at once where the disk is quick, else by a thread.
  patch(t, {
    writeSync: (...args: [number, Uint8Array, number, number, number]) => {
      if (isFull(args[3])) throw full;
      return Reflect.apply(writeSync, fs, args);
    },
    write: (...args: [number, Uint8Array, number, number, number, (error: Error) => void]) => {
      if (isFull(args[3])) setImmediate(args[5], full);
      else Reflect.apply(write, fs, args);
    },
  });
  const { end, why } = await attempt(from, into);
  Object.assign(fs, { write, writeSync });
  t.like(end, { code: "MP2P_DISK_FULL", message: `cannot write ${into}: ENOSPC` });
  t.is(why, "cannot write what comes: ENOSPC", "where it lies is not the sender's affair");
  t.deepEqual(await readdir(join(into, "top")), []);
  const again = await attempt(from, into);
  t.true("files" in again.end, String(again.end));
  t.true(again.sent * BLOCK < 13 * MIB, "what arrived did not come again");
  t.deepEqual(await listing(into), await listing(from));
});

/**
 * Receives until `killAt` bytes are written or `files` were placed, then kill -9.
 *
 * @returns bytes written at the last report
 */
async function killed(from: string, into: string, killAt: number, files?: number): Promise<number> {
  const child = fileURLToPath(new URL("cast-crash-child.js", import.meta.url));
  const args = files === undefined ? [from, into] : [from, into, String(files)];
  const process_ = spawn(process.execPath, [child, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let written = 0;
  for await (const line of createInterface({ input: process_.stdout })) {
    written = Number(line);
    if (written >= killAt) process_.kill("SIGKILL");
  }
  return written;
}

/** Changes the boot id of a journal, and the header's checksum with it. */
function otherBoot(path: string): void {
  const bytes = fs.readFileSync(path);
  bytes[8] = (bytes[8] as number) ^ 1;
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 60)), 60);
  fs.writeFileSync(path, bytes);
}
