/** What the system says where it is asked for more than to write a file. */
import fs from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { type ReceiveOptions, receiveFiles } from "../../src/transfer/receive.ts";
import { sendFiles } from "../../src/transfer/send.ts";
import { after, before, broken } from "./failing-calls.ts";
import { listing, memoryPair, noise, patch, scratch } from "./support.ts";

const MIB = 1024 * 1024;

async function folders(t: ExecutionContext) {
  const [from, into] = [await scratch(t), await scratch(t)];
  await mkdir(join(from, "top"));
  await writeFile(join(from, "top/small"), "small");
  await writeFile(join(from, "top/big"), noise(3 * MIB));
  return { from, top: join(from, "top"), into };
}

function transfer(from: string, into: string, options: ReceiveOptions = {}) {
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into, options).done;
  return Promise.allSettled([sendFiles(sender, [from]).done, receiving]);
}

test.serial(
  "what a disk took and then lost is sent again, though its units were written",
  async (t) => {
    const { from, top, into } = await folders(t);
    const { fsync } = fs;
    patch(t, {
      fsync: (_fd: number, done: (error: Error) => void) => setImmediate(done, broken()),
    });
    const [first] = await transfer(top, into, { durable: true });
    const failed = first.status === "fulfilled" ? first.value.failed.map(({ name }) => name) : [];
    t.true(failed.includes("top/big"));
    Object.assign(fs, { fsync });
    const [again] = await transfer(top, into, { durable: true });
    t.like(again, { status: "fulfilled", value: { partial: false, payloadBytes: 3 * MIB + 5 } });
    t.deepEqual(await listing(into), await listing(from));
  },
);

test.serial("files that cannot be closed after they were read arrive", async (t) => {
  const { from, top, into } = await folders(t);
  const read = new Set<unknown>();
  after(t, "open", (path, fd) => String(path).startsWith(top) && void read.add(fd));
  after(t, "close", (fd) => read.delete(fd));
  const [sent] = await transfer(top, into);
  t.like(sent, { status: "fulfilled", value: { partial: false } });
  t.deepEqual(await listing(into), await listing(from));
});

test.serial("a source whose state cannot be read fails alone", async (t) => {
  const { top, into } = await folders(t);
  let big: unknown;
  after(t, "open", (path, fd) => {
    if (path === join(top, "big")) big = fd;
  });
  after(t, "fstat", (fd) => fd === big);
  const [sent] = await transfer(top, into);
  const failed = sent.status === "fulfilled" ? sent.value.failed : [];
  t.deepEqual(
    failed.map(({ name, code }) => `${name} ${code}`),
    ["top/big MP2P_SOURCE"],
  );
  t.is(fs.readFileSync(join(into, "top/small"), "utf8"), "small");
});

test.serial("a target that cannot be looked at ends both ends, by name", async (t) => {
  const { top, into } = await folders(t);
  await mkdir(join(into, "top"));
  await writeFile(join(into, "top/small"), "mine");
  after(t, "lstat", (path) => {
    const at = String(path);
    return at.endsWith("/small") && !at.startsWith(top);
  });
  for (const end of await transfer(top, into)) {
    const { code, message } = end.status === "rejected" ? end.reason : end.value;
    t.is(code, "MP2P_TARGET");
    t.regex(message, /cannot look for top\/small: EIO/);
  }
});

test.serial("what is in a folder that cannot be listed is found by name", async (t) => {
  const { from, top, into } = await folders(t);
  await transfer(top, into);
  after(t, "readdir", (path) => fs.realpathSync(String(path)) === join(into, "top"));
  const [again] = await transfer(top, into);
  t.like(again, { status: "fulfilled", value: { partial: false, skipped: 2 } });
  t.deepEqual(await listing(into), await listing(from));
});

test.serial(
  "a folder that cannot be opened for a moment is not taken for an empty one",
  async (t) => {
    const { from, top, into } = await folders(t);
    await transfer(top, into);
    after(t, "open", (path) => String(path).endsWith("/top") && String(path) !== top);
    for (const end of await transfer(top, into)) {
      const { code, message } = end.status === "rejected" ? end.reason : end.value;
      t.is(code, "MP2P_TARGET");
      t.regex(message, /cannot open the folder top: EIO/);
    }
    t.deepEqual(await listing(into), await listing(from));
  },
);

test.serial("a folder whose mode could not be set gets it at the next attempt", async (t) => {
  const { from, top, into } = await folders(t);
  let isFirst = true;
  after(t, "fchmod", (fd) => {
    if (!isFirst || !fs.fstatSync(fd as number).isDirectory()) return false;
    isFirst = false;
    return true;
  });
  const [first] = await transfer(top, into);
  t.like(first, { value: { failed: [{ name: "top" }] } });
  t.like(await transfer(top, into), [{ value: { partial: false } }]);
  t.deepEqual(await listing(into), await listing(from));
});

test.serial("a read that was interrupted is made again", async (t) => {
  const { from, top, into } = await folders(t);
  const interrupted = new Set<string>();
  before(t, "read", "EINTR", (fd) => !interrupted.has(fd) && Boolean(interrupted.add(fd)));
  t.like(await transfer(top, into), [{ value: { partial: false } }, { value: { partial: false } }]);
  t.true(interrupted.size > 0);
  t.deepEqual(await listing(into), await listing(from));
});
