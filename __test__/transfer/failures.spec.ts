import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Offer } from "../../src/transfer/events.ts";
import { receiveFiles } from "../../src/transfer/receive.ts";
import { sendFiles } from "../../src/transfer/send.ts";
import { before, errno } from "./failing-calls.ts";
import { listing, memoryPair, noise, patch, scratch } from "./support.ts";

const MIB = 1024 * 1024;
const LINUX = process.platform === "linux";

async function folderOf(t: ExecutionContext, files: Record<string, Uint8Array | string>) {
  const from = await scratch(t);
  await mkdir(join(from, "top"));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(from, "top", name), content);
  }
  return join(from, "top");
}

async function transfer(from: string, into: string) {
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into);
  const [sent, received] = await Promise.all([sendFiles(sender, [from]).done, receiving.done]);
  return { sent, received };
}

const codes = (failed: readonly { name: string; code: string }[]) =>
  failed.map(({ name, code }) => `${name} ${code}`).sort();

test.serial(
  "a full disk fails the file that does not fit, by name, and keeps what arrived",
  async (t) => {
    const top = await folderOf(t, { big: noise(8 * MIB), small: "small" });
    const into = await scratch(t);
    const { write, writev } = fs;
    let room = 3.5 * MIB;
    // As a disk does: what still fits is written, and the next call fails. Small files find a corner.
    const vector = (fd: number, parts: Uint8Array[], at: number, done: (error: Error) => void) => {
      const fitting = Buffer.concat(parts).subarray(0, room);
      room -= fitting.length;
      if (fitting.length === 0) setImmediate(done, errno("ENOSPC"));
      else Reflect.apply(writev, fs, [fd, [fitting], at, done]);
    };
    const single = (
      ...args: [number, Uint8Array, number, number, number, (error: Error) => void]
    ) => {
      if (args[3] >= MIB / 2) setImmediate(args[5], errno("ENOSPC"));
      else Reflect.apply(write, fs, args);
    };
    patch(t, { writev: vector, write: single });
    const { sent, received } = await transfer(top, into);
    for (const { failed, partial } of [sent, received]) {
      t.true(partial);
      t.deepEqual(codes(failed), ["top/big MP2P_DISK_FULL"]);
      t.regex(failed[0]?.why ?? "", /cannot write top\/big: ENOSPC/);
    }
    t.is(fs.readFileSync(join(into, "top/small"), "utf8"), "small");
    Object.assign(fs, { write, writev });
    const again = await transfer(top, into);
    t.false(again.sent.partial);
    t.true(again.sent.payloadBytes < 8 * MIB, "what arrived was not sent again");
    t.deepEqual(await listing(into), await listing(join(top, "..")));
  },
);

test.serial("a file that may not be written fails alone", async (t) => {
  const top = await folderOf(t, { a: "a", b: "b", c: "c" });
  const into = await scratch(t);
  before(t, "link", "EACCES", (_from, to) => to.endsWith("/b"));
  const { sent, received } = await transfer(top, into);
  t.deepEqual(codes(sent.failed), ["top/b MP2P_PERMISSION"]);
  t.deepEqual(codes(received.failed), ["top/b MP2P_PERMISSION"]);
  t.deepEqual((await readdir(join(into, "top"))).sort(), ["a", "c"]);
  t.deepEqual(await readdir(into), ["top"], "no inbox is left for what cannot be resumed");
});

test.serial("a file that may not be read fails alone", async (t) => {
  const top = await folderOf(t, { a: "a", b: "b", big: noise(3 * MIB) });
  const into = await scratch(t);
  before(t, "open", "EACCES", (path) => path === join(top, "b") || path === join(top, "big"));
  const { received } = await transfer(top, into);
  t.deepEqual(codes(received.failed), ["top/b MP2P_PERMISSION", "top/big MP2P_PERMISSION"]);
  t.deepEqual(await readdir(join(into, "top")), ["a"]);
});

test.serial("a file system without hard links is served by checked renames", async (t) => {
  const top = await folderOf(t, { a: "a", b: "b" });
  const into = await scratch(t);
  await mkdir(join(into, "top"));
  await writeFile(join(into, "top/b"), "mine");
  before(t, "link", "EPERM", () => true);
  const { sent } = await transfer(top, into);
  t.false(sent.partial);
  t.deepEqual((await readdir(join(into, "top"))).sort(), ["a", "b", "b (1)"]);
  t.is(fs.readFileSync(join(into, "top/b"), "utf8"), "mine");
});

test.serial("slow file systems are served by threads", async (t) => {
  const top = await folderOf(
    t,
    Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`${n}`, `${n}`])),
  );
  const into = await scratch(t);
  const now = performance.now.bind(performance);
  let late = 0;
  t.teardown(() => Reflect.set(performance, "now", now));
  Reflect.set(performance, "now", () => now() + late++);
  const { sent } = await transfer(top, into);
  t.is(sent.files, 100);
  t.deepEqual(await listing(into), await listing(join(top, "..")));
});

for (const [size, label] of [
  [MIB / 2, "small"],
  [5 * MIB, "large"],
] as const) {
  test.serial(
    `a ${label} source that changes while it is sent is reported, the rest arrives`,
    async (t) => {
      const top = await folderOf(t, { changing: noise(size), steady: noise(3 * MIB) });
      const into = await scratch(t);
      const read = fs.read;
      let touched = false;
      const touching = (fd: number, ...rest: unknown[]) => {
        if (!touched && (!LINUX || fs.readlinkSync(`/proc/self/fd/${fd}`).endsWith("changing"))) {
          touched = true;
          fs.utimesSync(join(top, "changing"), 5, 5);
        }
        Reflect.apply(read, fs, [fd, ...rest]);
      };
      patch(t, { read: touching });
      const { sent, received } = await transfer(top, into);
      t.deepEqual(codes(sent.failed), ["top/changing MP2P_SOURCE_CHANGED"]);
      t.deepEqual(codes(received.failed), ["top/changing MP2P_SOURCE_CHANGED"]);
      t.deepEqual(await readdir(join(into, "top")), ["steady"]);
      fs.read = read;
      const again = await transfer(top, into);
      t.false(again.sent.partial);
      if (size > MIB)
        t.is(again.sent.payloadBytes, 0, "content was the same, only the time was not");
      t.deepEqual(await listing(join(into, "top")), await listing(top));
    },
  );
}

test("a source that shrinks while it is sent is reported", async (t) => {
  const top = await folderOf(t, { shrinking: noise(40 * MIB), steady: "steady" });
  const into = await scratch(t);
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into, {
    accept: () => {
      fs.truncateSync(join(top, "shrinking"), MIB);
      return true;
    },
  });
  const sent = await sendFiles(sender, [top]).done;
  await receiving.done;
  t.deepEqual(codes(sent.failed), ["top/shrinking MP2P_SOURCE_CHANGED"]);
});

test("a target that vanishes fails with its name", async (t) => {
  const top = await folderOf(t, { a: noise(3 * MIB), b: "b" });
  const around = await scratch(t);
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, join(around, "into"), {
    accept: () => {
      fs.rmSync(join(around, "into"), { recursive: true });
      return true;
    },
  });
  const outcomes = await Promise.allSettled([sendFiles(sender, [top]).done, receiving.done]);
  for (const outcome of outcomes) {
    t.is(outcome.status, "rejected");
    if (outcome.status === "rejected") t.is(outcome.reason.code, "MP2P_TARGET");
  }
});

test("pipes, sockets and devices are refused by name, the rest arrives", async (t) => {
  if (process.platform === "win32") return t.pass();
  const top = await folderOf(t, { file: "file" });
  const into = await scratch(t);
  execFileSync("mkfifo", [join(top, "pipe")]);
  const server = createServer().listen(join(top, "socket"));
  await new Promise((resolve) => server.on("listening", resolve));
  t.teardown(() => server.close());
  const { sent, received } = await transfer(top, into);
  t.deepEqual(codes(sent.failed), ["top/pipe MP2P_SOURCE", "top/socket MP2P_SOURCE"]);
  t.regex(sent.failed[0]?.why ?? "", /named pipe/);
  t.false(received.partial);
  t.deepEqual(await readdir(join(into, "top")), ["file"]);
});

test("names that are not UTF-8 are reported by the sender", async (t) => {
  if (!LINUX) return t.pass();
  const top = await folderOf(t, { file: "file" });
  const into = await scratch(t);
  fs.writeFileSync(Buffer.concat([Buffer.from(`${top}/`), Buffer.of(0x66, 0xff)]), "x");
  const { sent } = await transfer(top, into);
  t.is(sent.failed[0]?.code, "MP2P_NAME");
  t.regex(sent.failed[0]?.why ?? "", /not UTF-8/);
  t.is(sent.files, 1);
});

test("links that lead out are reported by the sender", async (t) => {
  const top = await folderOf(t, { file: "file" });
  const into = await scratch(t);
  fs.symlinkSync("/etc/passwd", join(top, "absolute"));
  fs.symlinkSync("../../out", join(top, "out"));
  fs.symlinkSync("file", join(top, "good"));
  const { sent } = await transfer(top, into);
  t.deepEqual(codes(sent.failed), ["top/absolute MP2P_NAME", "top/out MP2P_NAME"]);
  t.deepEqual((await readdir(join(into, "top"))).sort(), ["file", "good"]);
});

test("setuid, setgid and sticky bits do not travel", async (t) => {
  const top = await folderOf(t, { tool: "tool" });
  const into = await scratch(t);
  fs.chmodSync(join(top, "tool"), 0o6755);
  fs.chmodSync(top, 0o1777);
  await transfer(top, into);
  const lines = await listing(into);
  t.regex(lines["top/tool"] ?? "", /^file 755 /);
  t.regex(lines.top ?? "", /^folder 777 /);
});

test.serial("a journal whose disk is full later on is given up, not the file", async (t) => {
  const top = await folderOf(t, { big: noise(3 * MIB) });
  const [into, journal] = [await scratch(t), await scratch(t)];
  before(t, "open", "ENOSPC", (path) => path.startsWith(journal));
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into);
  t.false((await sendFiles(sender, [top], { journal }).done).partial);
  await receiving.done;
});

test.serial("a receiver's journal that cannot be written is named at both ends", async (t) => {
  const top = await folderOf(t, { a: "a" });
  const into = await scratch(t);
  before(t, "open", "EROFS", (path) => path.endsWith("/finished"));
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into);
  const expected = {
    code: "MP2P_PERMISSION",
    message: /cannot keep a journal in \.mp2p\/\w+: EROFS/,
  };
  await t.throwsAsync(sendFiles(sender, [top]).done, expected);
  await t.throwsAsync(receiving.done, expected);
});

test("a receiver listens once for what breaks its stream", async (t) => {
  const { sender, receiver } = memoryPair();
  const top = await folderOf(t, { a: "a" });
  const into = await scratch(t);
  const sending = sendFiles(sender, [top]);
  const { value: stream } = await receiver.streams("")[Symbol.asyncIterator]().next();
  const accept = () => stream.listenerCount("error") === 1;
  await receiveFiles(receiver, into, { stream, accept }).done;
  await sending.done;
  t.pass();
});

test("a path that is not there fails before anything is offered", async (t) => {
  const { sender } = memoryPair();
  await t.throwsAsync(sendFiles(sender, ["/nowhere/at/all"]).done, { code: "MP2P_SOURCE" });
  const top = await folderOf(t, { a: "a" });
  const twice = sendFiles(sender, [join(top, "a"), join(top, "../top/a")]);
  await t.throwsAsync(twice.done, { code: "MP2P_NAME" });
});

test("the receiver sees the whole offer and may decline", async (t) => {
  const top = await folderOf(t, { a: noise(2 * MIB), b: "b" });
  const into = await scratch(t);
  await mkdir(join(into, "top"));
  await writeFile(join(into, "top/b"), "mine");
  const { sender, receiver } = memoryPair();
  let seen: Offer | undefined;
  const receiving = receiveFiles(receiver, into, {
    accept: async (offer) => {
      seen = offer;
      return false;
    },
  });
  await t.throwsAsync(sendFiles(sender, [top]).done, { code: "MP2P_REFUSED" });
  const declined = await t.throwsAsync(receiving.done, { code: "MP2P_REFUSED" });
  t.regex((declined as { hint?: string }).hint ?? "", /again/);
  t.like(seen, { files: 2, folders: 1, bytes: 2 * MIB + 1, resumeBytes: 0 });
  t.deepEqual(seen?.conflicts, { files: 1, names: ["top/b"] });
  t.deepEqual(seen?.names, ["top", "top/a", "top/b"]);
  t.deepEqual(await readdir(into), ["top"], "nothing was written");
});

test("an offer that does not fit the disk is refused before it is asked about", async (t) => {
  const top = await folderOf(t, {});
  for (const name of ["huge", "huge2", "huge3"]) {
    fs.writeFileSync(join(top, name), "");
    fs.truncateSync(join(top, name), 8 * 1024 * 1024 * MIB - 4096);
  }
  const into = await scratch(t);
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into, { accept: () => t.fail("asked") as never });
  await t.throwsAsync(sendFiles(sender, [top]).done, { code: "MP2P_DISK_FULL", message: /free/ });
  await t.throwsAsync(receiving.done, { code: "MP2P_DISK_FULL" });
});

test("an offer beyond the limits is refused", async (t) => {
  const top = await folderOf(t, { a: "a", b: "b" });
  const into = await scratch(t);
  for (const limits of [{ entries: 2 }, { bytes: 1 }]) {
    const { sender, receiver } = memoryPair();
    const receiving = receiveFiles(receiver, into, { limits });
    await t.throwsAsync(sendFiles(sender, [top]).done, { code: "MP2P_LIMIT" });
    await t.throwsAsync(receiving.done, { code: "MP2P_LIMIT" });
  }
});

test("told to, a partial transfer rejects", async (t) => {
  const top = await folderOf(t, { a: "a" });
  fs.symlinkSync("/etc", join(top, "link"));
  const into = await scratch(t);
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into);
  const sending = sendFiles(sender, [top], { rejectPartial: true });
  await t.throwsAsync(sending.done, { code: "MP2P_PARTIAL" });
  t.false((await receiving.done).partial);
});

test("a receiver whose session ends before anything came rejects, and its signal frees it", async (t) => {
  const into = await scratch(t);
  const pair = memoryPair();
  const receiving = receiveFiles(pair.receiver, into);
  const stop = new AbortController();
  const stopped = receiveFiles(memoryPair().receiver, into, { signal: stop.signal });
  setImmediate(() => setImmediate(() => stop.abort(new Error("enough"))));
  await t.throwsAsync(stopped.done, { message: "enough" });
  pair.cut();
  await t.throwsAsync(receiving.done, { code: "MP2P_CLOSED" });
});

test("a receiver of a session that has ended says why it did", async (t) => {
  const { receiver } = memoryPair();
  const reason = {
    code: "MP2P_NOT_ALLOWED",
    message: "the peer does not allow this key",
    hint: "ask",
  };
  const ended = {
    peer: receiver.peer,
    blake3: receiver.blake3,
    openStream: () => Promise.reject(new Error("ended")),
    streams: async function* () {},
    closed: Promise.resolve(reason),
  };
  const error = await t.throwsAsync(receiveFiles(ended, await scratch(t)).done);
  t.like(error, reason);
});

test("one path instead of a list of paths is refused, not read as a list of its letters", async (t) => {
  const { sender } = memoryPair();
  await t.throwsAsync(sendFiles(sender, "/tmp" as never).done, { instanceOf: TypeError });
  await t.throwsAsync(sendFiles(sender, []).done, { code: "MP2P_USAGE" });
});
