/** Writes a file that came whole: beside the target's files first, then moved into place. */
import { closeFile, setMode, setTimes, sync, writeAt } from "./file-calls.ts";
import { fileError } from "./file-error.ts";
import type { FitEntry } from "./offer-book.ts";
import { type Placed, place } from "./place.ts";
import type { Placing } from "./placing.ts";
import { split } from "./target.ts";

export async function writeSmallFile(
  content: Placing,
  number: number,
  entry: FitEntry,
  bytes: Uint8Array,
  root: Uint8Array,
): Promise<Placed> {
  const { inbox, target } = content;
  const temporary = `${number}.tmp`;
  await writeTemporary(content, temporary, entry, bytes);
  const [above, name] = split(entry.path);
  const done = (as: string) => inbox.finished.addFile(entry, root, as);
  const folder = await target.folder(above, 0o777);
  if (folder === undefined) throw fileError(undefined, "MP2P_TARGET", "write", entry.path);
  try {
    const conflict = await content.policy(number);
    const placed = await place(inbox.folder.at(temporary), folder, name, conflict, done);
    if (content.durable && folder.fd !== undefined) await sync(folder.fd);
    // Not awaited: without the row, size and time tell the next attempt the same.
    if (placed.result === "written") content.tasks.run(done(name), () => {});
    return placed;
  } finally {
    folder.release();
  }
}

async function writeTemporary(
  content: Placing,
  name: string,
  entry: FitEntry,
  bytes: Uint8Array,
): Promise<void> {
  const { inbox } = content;
  const fd = await inbox.openNew(name, entry.mode);
  try {
    if (bytes.length > 0) await writeAt(fd, bytes, 0);
    if ((entry.mode & inbox.umask) !== 0) await setMode(fd, entry.mode);
    await setTimes(fd, entry.mtimeNs);
    if (content.durable) await sync(fd);
  } finally {
    await closeFile(fd);
  }
}
