import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder and what is missing above it; one that is there is left as it is. Node's own recursive `mkdir`
 * never ends where a folder that exists takes no new ones and says ENOENT, as /proc does.
 *
 * @param mode - of each folder that is made
 * @throws what the system says: EACCES, EROFS, ENOSPC, ENOTDIR, EEXIST for what is no folder, …
 */
export async function makeWithParents(path: string, mode = 0o777): Promise<void> {
  const parent = dirname(path);
  try {
    await mkdir(path, mode).catch(async (error) => {
      if (error.code !== "ENOENT" || parent === path) throw error;
      await makeWithParents(parent, mode);
      await mkdir(path, mode);
    });
  } catch (error) {
    const there = await stat(path).catch((why) => {
      throw why.code === "ENOENT" ? error : why;
    });
    if (!there.isDirectory()) throw error;
  }
}
