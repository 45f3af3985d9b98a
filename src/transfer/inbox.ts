/**
 * What a transfer keeps while it is unfinished: `TARGET/.mp2p/<name>/`, on the target's file system,
 * readable by its owner only, gone when the transfer is complete.
 */
import fs from "node:fs";
import type { Mp2pError } from "../base/errors.ts";
import {
  closeFile,
  errnoOf,
  isThere,
  namesIn,
  openFile,
  removeFile,
  removeFolder,
  removeIfThere,
  statFile,
} from "./file-calls.ts";
import { fileError } from "./file-error.ts";
import { FinishedJournal } from "./finished-journal.ts";
import { InboxLock } from "./inbox-lock.ts";
import { INBOX_FOLDER } from "./names.ts";
import type { Folding } from "./offer-book.ts";
import type { Folder, Target } from "./target.ts";

const PRIVATE_FOLDER = 0o700;
const TRIES_MAX = 20;
const FINISHED = "finished";
const { O_RDWR, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = fs.constants;

export class Inbox {
  readonly folder: Folder;
  readonly finished: FinishedJournal;
  readonly boot: Uint8Array;
  /** What the process takes off the mode of new files. */
  umask = 0;
  /** Names of part files there were at the start, without the ending. */
  readonly parts: ReadonlySet<string>;
  readonly #target: Target;
  readonly #name: string;
  readonly #lock: InboxLock;
  #journalClosed: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  private constructor(
    target: Target,
    name: string,
    lock: InboxLock,
    found: { folder: Folder; finished: FinishedJournal; boot: Uint8Array; parts: Set<string> },
  ) {
    this.#target = target;
    this.#name = name;
    this.#lock = lock;
    this.folder = found.folder;
    this.finished = found.finished;
    this.boot = found.boot;
    this.parts = found.parts;
  }

  /**
   * @returns undefined where there is none and none is to be made
   * @throws {Mp2pError} `MP2P_TARGET` where another process works on it, or as the system says that it cannot be written
   */
  static async open(
    target: Target,
    name: string,
    boot: Uint8Array,
    make: boolean,
  ): Promise<Inbox | undefined> {
    const folder = await folderOf(target, name, make);
    if (folder === undefined) return undefined;
    let lock: InboxLock | undefined;
    try {
      lock = await InboxLock.take(folder, boot);
      const parts = await partsIn(folder);
      const finished = await FinishedJournal.open(folder.at(FINISHED), boot);
      return new Inbox(target, name, lock, { folder, finished, boot, parts });
    } catch (error) {
      await lock?.release();
      folder.release();
      throw journalError(error, name);
    }
  }

  /** Opens a file for what is moved into place when it is complete. */
  async openNew(file: string, mode: number): Promise<number> {
    const path = this.folder.at(file);
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    try {
      return await openFile(path, flags, mode);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      await removeFile(path);
      return openFile(path, flags, mode);
    }
  }

  /**
   * Opens a part file, made where there is none. One that has a second name was being put in place: whoever
   * uses that name does not see it change, so a new one is made.
   */
  async openPart(file: string): Promise<{ readonly fd: number; readonly stat: fs.BigIntStats }> {
    const path = this.folder.at(file);
    const fd = await openFile(path, O_RDWR | O_CREAT | O_NOFOLLOW);
    try {
      const stat = await statFile(fd);
      if (stat.nlink <= 1n) return { fd, stat };
      await removeIfThere(path);
    } catch (error) {
      await closeFile(fd);
      throw error;
    }
    await closeFile(fd);
    return this.openPart(file);
  }

  /** Finds out what the file system does to names and modes, by a file with an accented name. */
  probe(): Promise<Folding> {
    return this.named(this.#probe());
  }

  /** Removes everything, and the folder above where nothing else is in it. */
  remove(): Promise<void> {
    return this.named(this.#remove());
  }

  close(): Promise<void> {
    this.#closed ??= this.named(this.#close());
    return this.#closed;
  }

  /** What the system says of no file of the transfer, but of the journal. */
  named<T>(work: Promise<T>): Promise<T> {
    return work.catch((error) => {
      throw journalError(error, this.#name);
    });
  }

  async #probe(): Promise<Folding> {
    const composed = "probe-\u00e9.tmp";
    const fd = await this.openNew(composed, 0o777);
    try {
      this.umask = 0o777 & ~Number((await statFile(fd)).mode);
      return {
        caseless: await isThere(this.folder.at(composed.toUpperCase())),
        normalising: await isThere(this.folder.at(composed.normalize("NFD"))),
      };
    } finally {
      await closeFile(fd);
      await removeIfThere(this.folder.at(composed));
    }
  }

  async #remove(): Promise<void> {
    await this.#closeJournal();
    for (const file of await namesIn(this.folder.at("."))) {
      await removeIfThere(this.folder.at(file));
    }
    await this.#lock.release();
    const above = await this.#target.folder(INBOX_FOLDER);
    if (above === undefined) return;
    try {
      await removeFolder(above.at(this.#name));
    } finally {
      above.release();
    }
    const root = await this.#target.folder("");
    await removeFolder(root?.at(INBOX_FOLDER) ?? "").catch(unlessNotEmpty);
    root?.release();
  }

  async #close(): Promise<void> {
    try {
      await this.#closeJournal();
    } finally {
      await this.#lock.release();
      this.folder.release();
    }
  }

  #closeJournal(): Promise<void> {
    this.#journalClosed ??= this.finished.close();
    return this.#journalClosed;
  }
}

/** A transfer that ends removes the folder above where it is empty: also the moment before another makes its own there. */
async function folderOf(target: Target, name: string, make: boolean): Promise<Folder | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await target.folder(`${INBOX_FOLDER}/${name}`, make ? PRIVATE_FOLDER : undefined);
    } catch (error) {
      if (errnoOf((error as Error).cause) !== "ENOENT" || tries === TRIES_MAX) throw error;
      await target.refresh();
    }
  }
}

/** Names of part files without their ending. What was not put in place is removed. */
async function partsIn(folder: Folder): Promise<Set<string>> {
  const parts = new Set<string>();
  for (const file of await namesIn(folder.at("."))) {
    if (file.endsWith(".part")) parts.add(file.slice(0, -".part".length));
    if (file.endsWith(".tmp")) await removeIfThere(folder.at(file));
  }
  return parts;
}

function journalError(error: unknown, name: string): Mp2pError {
  return fileError(error, "MP2P_TARGET", "keep a journal in", `${INBOX_FOLDER}/${name}`);
}

function unlessNotEmpty(error: unknown): void {
  const errno = errnoOf(error);
  if (errno !== "ENOTEMPTY" && errno !== "EEXIST" && errno !== "ENOENT") throw error;
}
