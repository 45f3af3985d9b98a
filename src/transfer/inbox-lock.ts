/**
 * One process of this machine at a time works on an unfinished transfer: `lock` beside its journal names
 * the process, and counts for nothing once that is gone, however it ended. Text: `PID START BOOT`.
 */
import fs from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { toHex } from "../base/bytes.ts";
import { Mp2pError } from "../base/errors.ts";
import { closeFile, errnoOf, openFile, removeIfThere, renameFile, writeAt } from "./file-calls.ts";
import { whenAllowed } from "./open-limit.ts";
import type { Folder } from "./target.ts";

const FILE = "lock";
/** Whoever was told to end is given time to. */
const PATIENCE_MS = 2000;
const LOOK_AGAIN_MS = 100;
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = fs.constants;

export class InboxLock {
  readonly #folder: Folder;
  #isHeld = true;

  private constructor(folder: Folder) {
    this.#folder = folder;
  }

  /** @throws {Mp2pError} `MP2P_TARGET` where a living process has it */
  static async take(folder: Folder, boot: Uint8Array): Promise<InboxLock> {
    const ours = `${process.pid} ${await startOf(process.pid)} ${toHex(boot)}`;
    for (let waitedMs = 0; ; waitedMs += LOOK_AGAIN_MS) {
      if (await wrote(folder, ours)) return new InboxLock(folder);
      const holder = await readIfThere(folder.at(FILE));
      if (holder === undefined) continue;
      const isPatient = waitedMs < PATIENCE_MS;
      const isHeld = isWhole(holder, boot) ? await isAlive(holder, boot) : isPatient;
      if (!isHeld) await removeStale(folder, holder);
      else if (!isPatient) throw busy(holder);
      else await delay(LOOK_AGAIN_MS);
    }
  }

  /** Idempotent. */
  async release(): Promise<void> {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    await removeIfThere(this.#folder.at(FILE));
  }
}

async function wrote(folder: Folder, text: string): Promise<boolean> {
  let fd: number;
  try {
    fd = await openFile(folder.at(FILE), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
  try {
    await writeAt(fd, new TextEncoder().encode(text), 0);
  } finally {
    await closeFile(fd);
  }
  // Whoever stood still for long in between was taken for dead.
  return (await readIfThere(folder.at(FILE))) === text;
}

/** Moved aside first: of several who find it stale, one takes it away, and none takes another's new one. */
async function removeStale(folder: Folder, stale: string): Promise<void> {
  const aside = folder.at(`${FILE}-${process.pid}`);
  try {
    await renameFile(folder.at(FILE), aside);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw error;
  }
  if ((await readIfThere(aside)) === stale) await removeIfThere(aside);
  else await renameFile(aside, folder.at(FILE));
}

/** One that is being written says nothing yet; if it stays so, its process died or its disk was full. */
function isWhole(holder: string, boot: Uint8Array): boolean {
  return (holder.split(" ")[2] ?? "").length >= 2 * boot.length;
}

async function isAlive(holder: string, boot: Uint8Array): Promise<boolean> {
  const [pid = "", start = "", bootText = ""] = holder.split(" ");
  // Attempts of this process end each other: `exclusive.ts`.
  if (bootText !== toHex(boot) || Number(pid) === process.pid) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (errnoOf(error) !== "EPERM") return false;
  }
  return start === (await startOf(Number(pid)));
}

/** When a process began, in the kernel's ticks; "-" where there is no telling. Numbers of processes come again. */
async function startOf(pid: number): Promise<string> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  // The name before it, in brackets, may hold blanks: proc(5), field 22.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-";
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await whenAllowed(() => readFile(path, "utf8"));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ESRCH") return undefined;
    throw error;
  }
}

function busy(holder: string): Mp2pError {
  const [pid] = holder.split(" ");
  const message = `process ${Number(pid)} receives the same into the same folder`;
  return new Mp2pError("MP2P_TARGET", message, { hint: "Wait for it, or end it." });
}
