/** Folders first, links after the files, modes and times of folders last. */
import fs from "node:fs";
import {
  closeRead,
  isThere,
  makeLink,
  openFile,
  readLink,
  setLinkTimes,
  setMode,
  setTimes,
  statIfThere,
  sync,
} from "./file-calls.ts";
import { fileError } from "./file-error.ts";
import type { FitEntry } from "./offer-book.ts";
import { atFreeName, type Placed, replace } from "./place.ts";
import type { Placing } from "./placing.ts";
import { KIND } from "./records.ts";
import { type Folder, split } from "./target.ts";

/** Until its files are in, a folder is its owner's. */
const FOLDER_MODE = 0o700;
const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants;

export async function makeFolders(content: Placing): Promise<void> {
  const { settling, target, inbox } = content;
  for (const [number, entry] of settling.entries()) {
    if (entry.kind !== KIND.folder) continue;
    try {
      const folder = await target.folder(entry.path, FOLDER_MODE);
      folder?.release();
      if (folder?.made) await inbox.finished.addFolder(entry.path);
      if (folder?.made) content.made.add(entry.path);
    } catch (error) {
      settling.refuse(number, fileError(error, "MP2P_TARGET", "make the folder", entry.path));
    }
  }
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
  const there = await statIfThere(folder.at(name));
  if (there?.isSymbolicLink() && (await readLink(folder.at(name))) === target) {
    return { result: "written", name };
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
    async () => {},
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

/** Folders this transfer made, the innermost first; those that were there keep what they have. */
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
