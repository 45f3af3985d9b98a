/** Files to send, on a real disk and in the page cache, and a place for what arrives. */
import { spawnSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, open, rm, stat, writeFile } from "node:fs/promises";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";

import { NotMeasured } from "./child.ts";

const CHUNK_BYTES = 16 << 20;
const SMALL_FILE_BYTES = 1000;
const SMALL_FILES_PER_FOLDER = 1000;
const MEMORY = "/dev/shm";

/**
 * Runs `use` in a fresh directory.
 *
 * @param within - default: `MP2P_BENCH_DIR` or the system's temporary one
 */
export async function withWorkDirectory<T>(
  use: (directory: string) => Promise<T>,
  within: string = process.env.MP2P_BENCH_DIR ?? tmpdir(),
): Promise<T> {
  const directory = mkdtempSync(join(within, "mp2p-bench-"));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    return await use(directory);
  } finally {
    process.off("exit", remove);
    remove();
  }
}

/**
 * The same measurement in memory and on a disk; in memory first, as what a disk has still to write would burden it.
 *
 * @param use - `where` goes into the names of its figures
 */
export async function inMemoryAndOnDisk<T>(
  use: (directory: string, where: string) => Promise<T[]>,
): Promise<T[]> {
  const inMemory = await withWorkDirectory((directory) => use(directory, ", in memory"), MEMORY);
  return [...inMemory, ...(await withWorkDirectory((directory) => use(directory, "")))];
}

/** @returns seconds that `cp` takes, which is what the place can do */
export async function copySeconds(from: string, into: string): Promise<number> {
  const start = performance.now();
  const { status } = spawnSync("cp", ["-r", "--reflink=never", from, into]);
  if (status !== 0) throw new NotMeasured("cp failed");
  return (performance.now() - start) / 1000;
}

/** A file nobody can compress or deduplicate. Just written, so it lies in the page cache. */
export async function makeFile(path: string, bytes: number): Promise<void> {
  const chunk = randomFillSync(Buffer.alloc(CHUNK_BYTES));
  const handle = await open(path, "w");
  try {
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      // No two chunks are alike in any block of 4 KiB.
      for (let block = 0; block < CHUNK_BYTES; block += 4096)
        chunk.writeDoubleLE(at + block, block);
      await handle.writeFile(chunk.subarray(0, Math.min(CHUNK_BYTES, bytes - at)));
    }
  } finally {
    await handle.close();
  }
}

/** `count` files of 1 kB in one folder tree, a thousand to a folder. */
export async function makeSmallFiles(path: string, count: number): Promise<void> {
  const content = Buffer.alloc(SMALL_FILE_BYTES);
  for (let n = 0; n < count; n++) {
    const folder = join(path, String(Math.floor(n / SMALL_FILES_PER_FOLDER)));
    if (n % SMALL_FILES_PER_FOLDER === 0) await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${n}.bin`), randomFillSync(content));
  }
}

/** @returns whether both files hold the same bytes; leaves the first of them in the page cache */
export async function sameContent(one: string, other: string): Promise<boolean> {
  const { size } = await stat(one);
  if ((await stat(other)).size !== size) return false;
  const most = Math.min(size + 1, CHUNK_BYTES);
  const [a, b] = [await open(one), await open(other)];
  try {
    const [left, right] = [Buffer.allocUnsafe(most), Buffer.allocUnsafe(most)];
    for (;;) {
      const [{ bytesRead }, { bytesRead: otherRead }] = await Promise.all([
        a.read(left),
        b.read(right),
      ]);
      if (bytesRead !== otherRead) return false;
      if (bytesRead === 0) return true;
      if (!left.subarray(0, bytesRead).equals(right.subarray(0, bytesRead))) return false;
    }
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}

/** Empties a directory and waits for the disk, so that one round does not burden the next. */
export async function clear(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  spawnSync("sync");
}

/**
 * Uses free memory once. A virtual machine's host takes back what lies idle, and gets it again page by page,
 * five times slower than it is copied into: who runs first would pay for all.
 */
export function warmMemory(bytes: number): void {
  const most = Math.min(bytes, Math.floor(0.7 * freemem()));
  const piece = 2 ** 28;
  const pieces = `Array.from({ length: ${Math.floor(most / piece)} }, () => Buffer.alloc(${piece}, 1))`;
  spawnSync(process.execPath, ["--eval", pieces]);
}
