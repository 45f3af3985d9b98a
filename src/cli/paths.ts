/** Paths from the command line, looked at before anybody is kept waiting for them. */
import { constants } from "node:fs";
import { access, lstat } from "node:fs/promises";
import { makeWithParents } from "../endpoint/make-with-parents.ts";
import { CliError } from "./failure.ts";
import { printable } from "./text.ts";

/** @throws {CliError} `MP2P_SOURCE` where one is missing, or none can be sent */
export async function requireSources(paths: readonly string[]): Promise<void> {
  let hasSource = false;
  for (const path of paths) {
    const stat = await lstat(path).catch((error: NodeJS.ErrnoException) => {
      const reason = error.code === "ENOENT" ? "there is no such file or folder" : error.message;
      throw new CliError("MP2P_SOURCE", `cannot send ${printable(path)}: ${reason}`);
    });
    hasSource ||= stat.isFile() || stat.isDirectory() || stat.isSymbolicLink();
  }
  if (hasSource) return;
  const named = paths.map(printable).join(", ");
  const hint = "name one that is; a stream goes by `mp2p cast -` or `mp2p listen --pipe`";
  throw new CliError("MP2P_SOURCE", `nothing to send: no file, folder or link: ${named}`, hint);
}

/** Makes the folder where it is missing. @throws {CliError} `MP2P_PERMISSION` or `MP2P_TARGET` */
export async function requireFolder(folder: string): Promise<void> {
  try {
    await makeWithParents(folder);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isDenied = code === "EACCES" || code === "EPERM" || code === "EROFS";
    const reason = isDenied ? "no permission" : code === "EEXIST" ? "it is no folder" : message;
    throw new CliError(
      isDenied ? "MP2P_PERMISSION" : "MP2P_TARGET",
      `cannot write into ${printable(folder)}: ${reason}`,
    );
  }
}
