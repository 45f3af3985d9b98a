/** The end of a cast: every byte is here, now files, folders and links get their places. */
import type { CastParts } from "./cast-parts.ts";
import { sync } from "./file-calls.ts";
import { fileError } from "./file-error.ts";
import { NO_ROOT } from "./finished-journal.ts";
import { Gate } from "./gate.ts";
import { type Blake3, fileRoot, UNIT_BYTES } from "./hashes.ts";
import type { FitEntry } from "./offer-book.ts";
import { place } from "./place.ts";
import type { Placing } from "./placing.ts";
import { KIND } from "./records.ts";
import { writeSmallFile } from "./small-file.ts";
import { split } from "./target.ts";
import { makeLinks, sealFolders } from "./tree.ts";

/** Keeps four file system threads busy, and memory below 16 MiB. */
const SMALL_AT_ONCE = 16;

export interface CastPlacing extends Placing {
  readonly parts: CastParts;
  readonly blake3: Blake3;
}

/**
 * Files that cannot be placed are refused one by one.
 *
 * @throws {Mp2pError} `MP2P_DISK_FULL`: what is not placed yet is kept, and the same cast goes on
 */
export async function placeAll(cast: CastPlacing): Promise<void> {
  const gate = new Gate(SMALL_AT_ONCE);
  let full: { readonly error: unknown } | undefined;
  for (const [number, entry] of [...cast.settling.entries()]) {
    if (entry.kind !== KIND.file || full !== undefined) continue;
    await gate.enter();
    const placing =
      entry.size > UNIT_BYTES ? large(cast, number, entry) : small(cast, number, entry);
    cast.tasks.run(
      placing.finally(() => gate.leave()),
      (error) => {
        const known = fileError(error, "MP2P_TARGET", "write", entry.path);
        if (known.code === "MP2P_DISK_FULL") full ??= { error: known };
        else cast.settling.refuse(number, known);
      },
    );
  }
  await cast.tasks.idle();
  if (full !== undefined) throw full.error;
  await makeLinks(cast);
  await sealFolders(cast);
}

async function small(cast: CastPlacing, number: number, entry: FitEntry): Promise<void> {
  const { parts, blake3, settling } = cast;
  const content = await parts.small(number);
  const root = fileRoot(blake3, entry.size, content.length === 0 ? content : blake3(content));
  settling.placed(number, await writeSmallFile(cast, number, entry, content, root), root);
}

async function large(cast: CastPlacing, number: number, entry: FitEntry): Promise<void> {
  const { parts, target, inbox, settling, durable } = cast;
  const part = await parts.seal(number, entry, durable);
  const [above, name] = split(entry.path);
  const done = (as: string) => inbox.finished.addFile(entry, NO_ROOT, as);
  const folder = await target.folder(above, 0o777);
  if (folder === undefined) throw fileError(undefined, "MP2P_TARGET", "write", entry.path);
  try {
    const placed = await place(part, folder, name, await cast.policy(number), done);
    if (durable && folder.fd !== undefined) await sync(folder.fd);
    await done(placed.name);
    settling.placed(number, placed);
  } finally {
    folder.release();
  }
}
