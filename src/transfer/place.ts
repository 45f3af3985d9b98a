/** Gives a finished file its name in the target, without taking one from another file unasked. */
import { Mp2pError } from "../base/errors.ts";
import { errnoOf, isThere, linkFile, removeFile, renameFile } from "./file-calls.ts";
import { printable } from "./printable.ts";
import type { Folder } from "./target.ts";

/** What becomes of a file whose name is taken. */
export type Conflict = "skip" | "rename" | "overwrite";

export interface Placed {
  readonly result: "written" | "skipped" | "renamed";
  readonly name: string;
}

/** `name (1)` to `name (9999)`. */
const MOST_NAMES = 10_000;

/** File systems without hard links. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"]);
const IS_FOLDER = new Set(["EISDIR", "ENOTEMPTY", "EEXIST", "ENOTDIR"]);

/**
 * Moves `part` to `name` in `folder`.
 *
 * @param renaming - awaited before another name is used
 * @throws {Mp2pError} `MP2P_EXISTS`
 */
export async function place(
  part: string,
  folder: Folder,
  name: string,
  conflict: Conflict,
  renaming: (name: string) => Promise<void>,
): Promise<Placed> {
  if (conflict === "overwrite") {
    await renaming(name);
    await replace(part, folder.at(name), name);
    return { result: "written", name };
  }
  const move = (to: string) => moveToFree(part, folder.at(to));
  const isTaken = (other: string) => isThere(folder.at(other));
  const placed = await atFreeName(name, conflict, renaming, move, isTaken);
  if (placed.result === "skipped") await removeFile(part);
  return placed;
}

/**
 * @param put - false where the name is taken
 * @param isTaken - costs less than to try
 */
export async function atFreeName(
  name: string,
  conflict: "skip" | "rename",
  renaming: (name: string) => Promise<void>,
  put: (name: string) => Promise<boolean>,
  isTaken: (name: string) => Promise<boolean>,
): Promise<Placed> {
  if (await put(name)) return { result: "written", name };
  if (conflict === "skip") return { result: "skipped", name };
  const first = await likelyFree((number) => isTaken(numbered(name, number)));
  for (let tries = 0; tries < MOST_NAMES; tries++) {
    const other = numbered(name, 1 + ((first - 1 + tries) % (MOST_NAMES - 1)));
    await renaming(other);
    if (await put(other)) return { result: "renamed", name: other };
  }
  throw existsError(name);
}

/** The number behind the last one where they go on without gaps: an inbox gets thousands of one name. */
async function likelyFree(isTaken: (number: number) => Promise<boolean>): Promise<number> {
  let taken = 0;
  let free = 1;
  while (free < MOST_NAMES && (await isTaken(free))) {
    taken = free;
    free *= 2;
  }
  free = Math.min(free, MOST_NAMES);
  while (free - taken > 1) {
    const middle = (taken + free) >> 1;
    if (await isTaken(middle)) taken = middle;
    else free = middle;
  }
  return free;
}

/** `photo.jpg` to `photo (1).jpg`, `.profile` to `.profile (1)`. */
export function numbered(name: string, number: number): string {
  const dot = name.lastIndexOf(".");
  const stem = dot > 0 ? name.slice(0, dot) : name;
  return `${stem} (${number})${name.slice(stem.length)}`;
}

/** Renames over what is there, unless that is a folder. */
export async function replace(part: string, to: string, name: string): Promise<void> {
  try {
    await renameFile(part, to);
  } catch (error) {
    if (IS_FOLDER.has(errnoOf(error) ?? "")) throw existsError(name, error);
    throw error;
  }
}

/** A hard link never replaces: the check and the move are one step. */
async function moveToFree(part: string, to: string): Promise<boolean> {
  try {
    await linkFile(part, to);
  } catch (error) {
    const errno = errnoOf(error) ?? "";
    if (errno === "EEXIST") return false;
    if (!NO_LINKS.has(errno)) throw error;
    if (await isThere(to)) return false;
    await renameFile(part, to);
    return true;
  }
  // It has its name: what cannot be removed now is removed with the inbox.
  await removeFile(part).catch(() => undefined);
  return true;
}

function existsError(name: string, cause?: unknown): Mp2pError {
  return new Mp2pError("MP2P_EXISTS", `${printable(name)} exists and cannot be replaced`, {
    hint: "Move it away, or receive into another folder.",
    ...(cause === undefined ? {} : { cause }),
  });
}
