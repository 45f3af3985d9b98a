/** Folders first, links after the files, modes and times of folders last. */
import fs from "node:fs";
import {
  closeRead,
  errnoOf,
  isThere,
  makeLink,
  openFile,
  readLink,
  sameTime,
  setLinkTimes,
  setMode,
  setTimes,
  statIfThere,
  sync,
} from "./file-calls.ts";
import { fileError } from "./file-error.ts";
import { NO_ROOT } from "./finished-journal.ts";
import type { FitEntry } from "./offer-book.ts";
import { atFreeName, type Placed, replace } from "./place.ts";
import type { Placing } from "./placing.ts";
import { KIND } from "./records.ts";
import { type Folder, split } from "./target.ts";

/** Until its files are in, a folder is its owner's. */
const FOLDER_MODE = 0o700;
const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants;

/** A folder's row is written before it is made, by whatever needs it first: the next attempt knows whose it is. */
export async function makeFolders(content: Placing): Promise<void> {
  const { settling, target, inbox, made } = content;
  const offered = new Set<string>();
  for (const [, { kind, path }] of settling.entries()) if (kind === KIND.folder) offered.add(path);
  const own = async (path: string): Promise<void> => {
    if (!offered.has(path)) return;
    await inbox.finished.addFolder(path);
    made.add(path);
  };
  target.making = own;
  for (const [number, entry] of settling.entries()) {
    if (entry.kind !== KIND.folder) continue;
    try {
      const folder = await target.folder(entry.path, FOLDER_MODE);
      try {
        const isOurs = made.has(entry.path) || inbox.finished.found.folders.has(entry.path);
        if (!isOurs && (await isAsOffered(folder as Folder, entry))) await own(entry.path);
      } finally {
        folder?.release();
      }
    } catch (error) {
      settling.refuse(number, fileError(error, "MP2P_TARGET", "make the folder", entry.path));
    }
  }
}

/** A folder of this mode and time gets both back when its files are in, whoever made it. */
async function isAsOffered(folder: Folder, { mode, mtimeNs }: FitEntry): Promise<boolean> {
  const stat = await statIfThere(folder.at("."));
  if (stat === undefined) return false;
  return (Number(stat.mode) & 0o777) === mode && sameTime(stat.mtimeNs, mtimeNs);
}

export async function makeLinks(content: Placing): Promise<void> {
  for (const [number, entry] of content.settling.entries()) {
    if (entry.kind !== KIND.link || content.channel.failure !== undefined) continue;
    const [above] = split(entry.path);
    try {
      const folder = await content.target.folder(above, 0o777);
      if (folder === undefined) throw fileError(undefined, "MP2P_TARGET", "make", entry.path);
      try {
        content.settling.placed(number, await makeOne(content, folder, number, entry));
      } finally {
        folder.release();
      }
    } catch (error) {
      content.settling.refuse(number, fileError(error, "MP2P_TARGET", "make the link", entry.path));
    }
  }
}

async function makeOne(
  content: Placing,
  folder: Folder,
  number: number,
  entry: FitEntry,
): Promise<Placed> {
  const [, name] = split(entry.path);
  const target = entry.target as string;
  const earlier = content.inbox.finished.found.files.get(entry.path)?.name ?? name;
  const there = await statIfThere(folder.at(earlier));
  if (there?.isSymbolicLink() && (await readLink(folder.at(earlier))) === target) {
    if (!sameTime(there.mtimeNs, entry.mtimeNs)) {
      await setLinkTimes(folder.at(earlier), entry.mtimeNs).catch(unlessOthers);
    }
    return { result: earlier === name ? "written" : "renamed", name: earlier };
  }
  const conflict = await content.policy(number);
  if (conflict === "overwrite") {
    const temporary = content.inbox.folder.at(`${number}.tmp`);
    await makeLink(target, temporary);
    await replace(temporary, folder.at(name), name);
    await setLinkTimes(folder.at(name), entry.mtimeNs);
    return { result: "written", name };
  }
  const placed = await atFreeName(
    name,
    conflict,
    (as) => content.inbox.finished.addFile(entry, NO_ROOT, as),
    async (as) => {
      try {
        await makeLink(target, folder.at(as));
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
        throw error;
      }
    },
    (as) => isThere(folder.at(as)),
  );
  if (placed.result !== "skipped") await setLinkTimes(folder.at(placed.name), entry.mtimeNs);
  return placed;
}

/** Only its owner may set a link's times. */
function unlessOthers(error: unknown): void {
  if (errnoOf(error) !== "EPERM") throw error;
}

/** Folders that are this transfer's, the innermost first; others keep what they have. */
export async function sealFolders(content: Placing): Promise<void> {
  const entries = [...content.settling.entries()].reverse();
  const earlier = content.inbox.finished.found.folders;
  for (const [number, entry] of entries) {
    if (entry.kind !== KIND.folder || content.channel.failure !== undefined) continue;
    if (!content.made.has(entry.path) && !earlier.has(entry.path)) continue;
    try {
      await sealOne(content, entry);
    } catch (error) {
      content.settling.refuse(number, fileError(error, "MP2P_TARGET", "finish", entry.path));
    }
  }
}

async function sealOne(content: Placing, entry: FitEntry): Promise<void> {
  const folder = await content.target.folder(entry.path);
  if (folder === undefined) return;
  try {
    const fd = await openFile(folder.at("."), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      await setMode(fd, entry.mode);
      await setTimes(fd, entry.mtimeNs);
      if (content.durable) await sync(fd);
    } finally {
      await closeRead(fd);
    }
  } finally {
    folder.release();
  }
}
