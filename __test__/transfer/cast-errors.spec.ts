/** What the system says of the files of a cast, and of its journal. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { castFiles } from "../../src/transfer/cast-files.ts";
import { type ReceiveCastFilesOptions, receiveCast } from "../../src/transfer/receive-cast.ts";
import { after } from "./failing-calls.ts";
import { memoryCast } from "./memory-cast.ts";
import { listing, noise, scratch } from "./support.ts";

const LARGE = 3 * 1024 * 1024;

async function folders(t: ExecutionContext) {
  const [from, into] = [await scratch(t), await scratch(t)];
  await mkdir(join(from, "top"));
  await writeFile(join(from, "top/small"), "small");
  await writeFile(join(from, "top/large"), noise(LARGE));
  return { from, top: join(from, "top"), into };
}

/** @returns how it ended, and the bytes that were sent for it */
async function cast(top: string, into: string, options: ReceiveCastFilesOptions = {}) {
  const { sender, receiver, sentBytes } = memoryCast({ blockBytes: 100_000 });
  const { ticket } = await castFiles(sender, [top]);
  const [end] = await Promise.allSettled([receiveCast(receiver, ticket, into, options).done]);
  return { ...end, sent: sentBytes() };
}

/** One call on a file whose name ends so fails, the first. */
function failsOnce(t: ExecutionContext, call: "close" | "fsync", ending: string): void {
  let found: unknown;
  after(t, "open", (path, fd) => {
    if (found === undefined && String(path).endsWith(ending)) found = fd;
  });
  after(t, call, (fd) => {
    if (fd !== found) return false;
    found = Number.NaN;
    return true;
  });
}

for (const call of ["fsync", "close"] as const) {
  test.serial(`a file that a disk took and ${call} disowned is cast again`, async (t) => {
    const { from, top, into } = await folders(t);
    failsOnce(t, call, ".part");
    const first = await cast(top, into, { durable: true });
    t.like(first, { value: { failed: [{ name: "top/large", code: "MP2P_TARGET" }] } });
    t.deepEqual(await readdir(join(into, "top")), ["small"]);
    const again = await cast(top, into, { durable: true });
    t.like(again, { value: { partial: false } });
    t.true(again.sent >= LARGE, `${again.sent} bytes were sent again`);
    t.deepEqual(await listing(into), await listing(from));
  });
}

test.serial("a cast whose journal cannot be closed does not hold up the next one", async (t) => {
  const { from, top, into } = await folders(t);
  failsOnce(t, "close", "/finished");
  const first = await cast(top, into);
  t.like(first, { reason: { code: "MP2P_TARGET" } });
  const locks = (await readdir(into, { recursive: true })).filter((name) => name.endsWith("lock"));
  t.deepEqual(locks, []);
  t.like(await cast(top, into), { value: { partial: false } });
  t.deepEqual(await listing(into), await listing(from));
});

test.serial("a journal of blocks that cannot be opened is named", async (t) => {
  const { top, into } = await folders(t);
  after(t, "open", (path) => String(path).endsWith("/blocks"));
  const { status, ...end } = await cast(top, into);
  t.is(status, "rejected");
  t.like(end, { reason: { code: "MP2P_TARGET" } });
  t.regex(String(Reflect.get(end, "reason")), /cannot keep a journal in \.mp2p/);
});
