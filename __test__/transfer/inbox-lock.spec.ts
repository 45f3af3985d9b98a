import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { toHex } from "../../src/base/bytes.ts";
import { InboxLock } from "../../src/transfer/inbox-lock.ts";
import type { Folder } from "../../src/transfer/target.ts";
import { scratch } from "./support.ts";

const BOOT = new Uint8Array(16).fill(5);

function folderAt(path: string): Folder {
  return { at: (name: string) => join(path, name), release: () => undefined } as unknown as Folder;
}

/** A process that has nothing to do, and its name in a lock. */
async function other(t: ExecutionContext): Promise<{ child: ChildProcess; start: string }> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  t.teardown(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  try {
    const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
    return { child, start: stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-" };
  } catch {
    return { child, start: "-" };
  }
}

test("a lock is there while it is held, and gone when it is let go", async (t) => {
  const path = await scratch(t);
  const lock = await InboxLock.take(folderAt(path), BOOT);
  t.true(readFileSync(join(path, "lock"), "utf8").startsWith(`${process.pid} `));
  await lock.release();
  await lock.release();
  t.deepEqual(readdirSync(path), []);
});

test("a living process keeps its lock; a dead one, one of an earlier boot, one whose number came again do not", async (t) => {
  const path = await scratch(t);
  const file = join(path, "lock");
  const { child, start } = await other(t);
  const living = `${child.pid} ${start} ${toHex(BOOT)}`;
  writeFileSync(file, living);
  const error = await t.throwsAsync(InboxLock.take(folderAt(path), BOOT), { code: "MP2P_TARGET" });
  t.true(error?.message.includes(String(child.pid)));
  t.is(readFileSync(file, "utf8"), living);

  const stale = [`${child.pid} ${start} ${"00".repeat(16)}`, `${2 ** 22 + 1} 1 ${toHex(BOOT)}`];
  if (start !== "-") stale.push(`${child.pid} ${Number(start) + 1} ${toHex(BOOT)}`);
  for (const text of stale) {
    writeFileSync(file, text);
    await (await InboxLock.take(folderAt(path), BOOT)).release();
  }
  writeFileSync(file, living);
  const taking = InboxLock.take(folderAt(path), BOOT);
  child.kill("SIGKILL");
  await (await taking).release();
  t.deepEqual(readdirSync(path), []);
});

test("a lock that was never written to its end, as on a full disk, is nobody's", async (t) => {
  const path = await scratch(t);
  for (const text of ["", `${process.ppid} 1 `]) {
    writeFileSync(join(path, "lock"), text);
    await (await InboxLock.take(folderAt(path), BOOT)).release();
    t.deepEqual(readdirSync(path), []);
  }
});
