import fs from "node:fs";
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { FileEvent } from "../../src/transfer/events.ts";
import { atFreeName, numbered } from "../../src/transfer/place.ts";
import { type ReceiveOptions, receiveFiles } from "../../src/transfer/receive.ts";
import { sendFiles } from "../../src/transfer/send.ts";
import { listing, memoryPair, scratch } from "./support.ts";

/** Sends `name` with content "new" into a folder prepared by the test. */
async function onto(
  t: ExecutionContext,
  prepare: (into: string) => Promise<void>,
  options: ReceiveOptions,
  name = "name.txt",
) {
  const from = await scratch(t);
  const into = await scratch(t);
  await writeFile(join(from, name), "new");
  await prepare(into);
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into, options);
  const sending = sendFiles(sender, [join(from, name)]);
  const events: FileEvent[] = [];
  for await (const event of sending) if (event.type === "file") events.push(event);
  const received = await receiving.done;
  return { into, received, event: events[0] as FileEvent };
}

const withOld = (into: string) => writeFile(join(into, "name.txt"), "of old");
const read = (into: string, name = "name.txt") => readFile(join(into, name), "utf8");

test("skip keeps the receiver's file and says so", async (t) => {
  const { into, received, event } = await onto(t, withOld, { onConflict: "skip" });
  t.is(await read(into), "of old");
  t.is(event.result, "skipped");
  t.regex(event.why ?? "", /another file/);
  t.is(received.skipped, 1);
  t.is(received.payloadBytes, 0, "nothing was sent for it");
});

test("rename, the default, keeps both", async (t) => {
  const { into, event } = await onto(t, withOld, {});
  t.is(await read(into), "of old");
  t.is(await read(into, "name (1).txt"), "new");
  t.is(event.result, "renamed");
  t.is(event.why, "as name (1).txt");
});

test("overwrite replaces", async (t) => {
  const { into, event } = await onto(t, withOld, { onConflict: "overwrite" });
  t.is(await read(into), "new");
  t.is(event.result, "written");
});

test("overwrite never replaces a folder", async (t) => {
  const prepare = async (into: string) => void (await mkdir(join(into, "name.txt")));
  const { into, event } = await onto(t, prepare, { onConflict: "overwrite" });
  t.true(fs.statSync(join(into, "name.txt")).isDirectory());
  t.is(event.code, "MP2P_EXISTS");
  t.deepEqual(await readdir(into), ["name.txt"]);
});

test("the caller is asked about each file that is in the way", async (t) => {
  const { into } = await onto(t, withOld, {
    onConflict: (existing) => {
      t.like(existing, { name: "name.txt", bytes: 6, kind: "file", offered: { bytes: 3 } });
      return "overwrite";
    },
  });
  t.is(await read(into), "new");
});

test("a file that appears while the transfer runs is not replaced unasked", async (t) => {
  const { into, event } = await onto(
    t,
    async () => {},
    { accept: () => true, onConflict: "skip", limits: {} },
    "late",
  );
  t.is(event.result, "written");
  const taken = new Set(["late", "late (1)"]);
  const placed = await atFreeName(
    "late",
    "rename",
    async () => {},
    async (name) => !taken.has(name),
    // It appears after the look.
    async () => false,
  );
  t.deepEqual(placed, { result: "renamed", name: "late (2)" });
  t.deepEqual(await readdir(into), ["late"]);
});

test("a file of the same size and time counts as there", async (t) => {
  const prepare = async (into: string) => {
    await writeFile(join(into, "name.txt"), "old");
    await utimes(join(into, "name.txt"), 1_000_000, 1_000_000);
  };
  const from = await scratch(t);
  const into = await scratch(t);
  await writeFile(join(from, "name.txt"), "new");
  await utimes(join(from, "name.txt"), 1_000_000, 1_000_000);
  await prepare(into);
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into);
  const sent = await sendFiles(sender, [join(from, "name.txt")]).done;
  await receiving.done;
  t.is(sent.skipped, 1);
  t.is(sent.payloadBytes, 0);
});

test("a file in the place of an offered folder stays, and what was for the folder is refused", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  await mkdir(join(from, "top/sub"), { recursive: true });
  await writeFile(join(from, "top/sub/a"), "a");
  await writeFile(join(from, "top/b"), "b");
  await mkdir(join(into, "top"));
  await writeFile(join(into, "top/sub"), "mine");
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into);
  const sent = await sendFiles(sender, [join(from, "top")]).done;
  await receiving.done;
  t.deepEqual(
    sent.failed.map(({ name, code }) => [name, code]),
    [
      ["top/sub", "MP2P_EXISTS"],
      ["top/sub/a", "MP2P_EXISTS"],
    ],
  );
  t.is(await read(into, "top/sub"), "mine");
  t.is(await read(into, "top/b"), "b");
});

test("folders that were there keep their mode and time", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  await mkdir(join(from, "top"));
  await writeFile(join(from, "top/a"), "a");
  fs.chmodSync(join(from, "top"), 0o700);
  await mkdir(join(into, "top"));
  fs.chmodSync(join(into, "top"), 0o755);
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into);
  await sendFiles(sender, [join(from, "top")]).done;
  await receiving.done;
  t.regex((await listing(into)).top ?? "", /^folder 755/);
});

test("numbered names keep their ending", (t) => {
  t.is(numbered("photo.tar.gz", 1), "photo.tar (1).gz");
  t.is(numbered(".profile", 2), ".profile (2)");
  t.is(numbered("name", 3), "name (3)");
});
