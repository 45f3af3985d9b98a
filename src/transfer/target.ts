/**
 * The folder things are received into. Nothing is ever reached through a symbolic link below it:
 * on Linux each folder of a path is opened on its own, without following, and used by its descriptor
 * (`/proc/self/fd/N/name`), so a link planted between a check and its use changes nothing. Elsewhere
 * each folder is looked at before each use, which leaves a moment between.
 */
import fs from "node:fs";
import { join } from "node:path";
import { Mp2pError } from "../base/errors.ts";
import { makeWithParents } from "../endpoint/make-with-parents.ts";
import { closeRead, errnoOf, makeFolder, openFile, statIfThere } from "./file-calls.ts";
import { fileError } from "./file-error.ts";
import { spare, unspare } from "./open-limit.ts";
import { printable } from "./printable.ts";

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants;

/** Open folders kept for the next file; beyond, the longest unused is closed. */
const MOST_OPEN = 128;

/** A folder in use: `release` it when done. */
export interface Folder {
  /** Where a name in this folder is reached. */
  at(name: string): string;
  /** Undefined where folders are not used by descriptor. */
  readonly fd: number | undefined;
  release(): void;
}

interface OpenFolder {
  readonly fd: number;
}

interface Slot {
  readonly opening: Promise<OpenFolder | undefined>;
  folder?: OpenFolder | undefined;
  users: number;
}

export class Target {
  readonly directory: string;
  /** Awaited before a folder is made. */
  making: (path: string) => Promise<void> = async () => undefined;
  readonly #root: OpenFolder | undefined;
  /** In order of last use. */
  readonly #open = new Map<string, Slot>();
  readonly #closeUnused = () => this.#closeSome(0);

  private constructor(directory: string, root: OpenFolder | undefined) {
    this.directory = directory;
    this.#root = root;
    spare(this.#closeUnused);
  }

  /**
   * Opens a folder, made with its parents where missing.
   *
   * @param byDescriptor - false: as on systems without /proc
   * @throws {Mp2pError} `MP2P_TARGET` or `MP2P_PERMISSION`
   */
  static async open(directory: string, byDescriptor = true): Promise<Target> {
    try {
      await makeWithParents(directory);
      const real = await fs.promises.realpath(directory);
      if (!byDescriptor || process.platform !== "linux") return new Target(real, undefined);
      const fd = await openFile(real, O_RDONLY | O_DIRECTORY);
      const there = await statIfThere(`/proc/self/fd/${fd}/.`).catch(() => undefined);
      if (there !== undefined) return new Target(real, { fd });
      await closeRead(fd);
      return new Target(real, undefined);
    } catch (error) {
      throw fileError(error, "MP2P_TARGET", "open the folder", directory);
    }
  }

  /**
   * @param path - "" for the target itself, or a path whose components were found fit
   * @param make - mode of folders to make on the way; undefined: make none
   * @returns undefined where it is not there and not to be made
   * @throws {Mp2pError} `MP2P_NAME` for a symbolic link on the way, `MP2P_EXISTS` for a file
   */
  async folder(path: string, make?: number): Promise<Folder | undefined> {
    if (this.#root === undefined) return this.#byName(path, make);
    const open = await this.#descriptor(path, make);
    if (open === undefined) return undefined;
    return {
      fd: open.fd,
      at: (name) => `/proc/self/fd/${open.fd}/${name}`,
      release: () => this.#release(path),
    };
  }

  /** Closes every descriptor; none may be in use. */
  async close(): Promise<void> {
    unspare(this.#closeUnused);
    for (const { opening } of [...this.#open.values()]) {
      const folder = await opening.catch(() => undefined);
      if (folder !== undefined) await closeRead(folder.fd);
    }
    this.#open.clear();
    if (this.#root !== undefined) await closeRead(this.#root.fd);
  }

  /** With one more user counted before anything is awaited, so that nothing in use is closed. */
  async #descriptor(path: string, make: number | undefined): Promise<OpenFolder | undefined> {
    if (path === "") return this.#root;
    const known = this.#open.get(path);
    const slot = known ?? { users: 0, opening: this.#openBelow(path, make) };
    slot.users++;
    this.#open.delete(path);
    this.#open.set(path, slot);
    try {
      slot.folder = await slot.opening;
    } catch (error) {
      this.#forget(path, slot);
      throw error;
    }
    if (slot.folder === undefined) {
      this.#forget(path, slot);
      return known !== undefined && make !== undefined ? this.#descriptor(path, make) : undefined;
    }
    if (this.#open.size > MOST_OPEN) await this.#closeSome();
    return slot.folder;
  }

  #forget(path: string, slot: Slot): void {
    slot.users--;
    if (this.#open.get(path) === slot) this.#open.delete(path);
  }

  #release(path: string): void {
    const slot = this.#open.get(path);
    if (slot !== undefined) slot.users--;
  }

  async #openBelow(path: string, make: number | undefined): Promise<OpenFolder | undefined> {
    const [above, name] = split(path);
    const parent = await this.#descriptor(above, make);
    if (parent === undefined) return undefined;
    const at = `/proc/self/fd/${parent.fd}/${name}`;
    const open = () => openFile(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      let fd = await open().catch(unlessMissing);
      if (fd === undefined && make !== undefined) {
        await this.making(path);
        await makeIfMissing(at, make);
        fd = await open();
      }
      return fd === undefined ? undefined : { fd };
    } catch (error) {
      throw await whyNoFolder(error, at, path);
    } finally {
      this.#release(above);
    }
  }

  /** Folders that nobody uses are opened anew: another transfer may have removed them. */
  refresh(): Promise<void> {
    return this.#closeUnused();
  }

  /** Closes the longest unused. */
  async #closeSome(most: number = MOST_OPEN): Promise<void> {
    for (const [path, slot] of this.#open) {
      if (slot.users > 0 || slot.folder === undefined) continue;
      this.#open.delete(path);
      await closeRead(slot.folder.fd);
      if (this.#open.size <= most) return;
    }
  }

  async #byName(path: string, make: number | undefined): Promise<Folder | undefined> {
    let at = this.directory;
    let below = "";
    for (const name of path === "" ? [] : path.split("/")) {
      at = join(at, name);
      below = below === "" ? name : `${below}/${name}`;
      try {
        let there = await statIfThere(at);
        if (there === undefined && make === undefined) return undefined;
        if (there === undefined) {
          await this.making(below);
          await makeIfMissing(at, make as number);
          there = await statIfThere(at);
        }
        if (!there?.isDirectory()) throw new NotAFolder();
      } catch (error) {
        throw await whyNoFolder(error, at, path);
      }
    }
    return { fd: undefined, at: (name) => join(at, name), release: () => {} };
  }
}

class NotAFolder extends Error {
  readonly code = "ENOTDIR";
}

function unlessMissing(error: unknown): undefined {
  if (errnoOf(error) !== "ENOENT") throw error;
}

async function makeIfMissing(at: string, mode: number): Promise<void> {
  try {
    await makeFolder(at, mode);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

async function whyNoFolder(error: unknown, at: string, path: string): Promise<Mp2pError> {
  const errno = errnoOf(error);
  if (errno !== "ELOOP" && errno !== "ENOTDIR") {
    return fileError(error, "MP2P_TARGET", "open the folder", path);
  }
  const there = await statIfThere(at).catch(() => undefined);
  if (there?.isSymbolicLink()) {
    const message = `${printable(path)} is a symbolic link in the target: nothing is written through it`;
    return new Mp2pError("MP2P_NAME", message, {
      cause: error,
      hint: "Receive into the folder the link points to, or remove the link.",
    });
  }
  return new Mp2pError("MP2P_EXISTS", `${printable(path)} exists and is not a folder`, {
    cause: error,
    hint: "Move it away, or receive into another folder.",
  });
}

/** @returns the folder's path and the last component. */
export function split(path: string): readonly [string, string] {
  const at = path.lastIndexOf("/");
  return at < 0 ? ["", path] : [path.slice(0, at), path.slice(at + 1)];
}
