/** Rows appended to a file in order, those of one moment in one write. */
import fs from "node:fs";
import { concatAll } from "../base/bytes.ts";
import {
  closeFile,
  closeRead,
  errnoOf,
  openFile,
  readAt,
  statFile,
  truncate,
  writeAt,
} from "./file-calls.ts";

const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_RDONLY } = fs.constants;

/** @returns undefined where there is no such file, or a link instead of one */
export async function readLog(path: string): Promise<Uint8Array | undefined> {
  let fd: number;
  try {
    fd = await openFile(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ELOOP") return undefined;
    throw error;
  }
  try {
    const bytes = new Uint8Array(Number((await statFile(fd)).size));
    return bytes.subarray(0, await readAt(fd, bytes, 0));
  } finally {
    await closeRead(fd);
  }
}

export class AppendLog {
  readonly #fd: number;
  /** Of whole rows. */
  #bytes: number;
  /** A write failed, and may have left a part of a row, behind which no row counts. */
  #isTorn = false;
  #rows: Uint8Array[] = [];
  #writing: Promise<void> | undefined;

  private constructor(fd: number, bytes: number) {
    this.#fd = fd;
    this.#bytes = bytes;
  }

  /** Starts a file, or starts it over. */
  static async create(path: string, beginning: Uint8Array): Promise<AppendLog> {
    const log = await AppendLog.#open(path, O_CREAT, 0);
    try {
      await log.append(beginning);
      return log;
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /** Goes on behind the first `bytes` of a file. */
  static resume(path: string, bytes: number): Promise<AppendLog> {
    return AppendLog.#open(path, 0, bytes);
  }

  static async #open(path: string, flags: number, bytes: number): Promise<AppendLog> {
    const fd = await openFile(path, O_RDWR | O_APPEND | O_NOFOLLOW | flags);
    try {
      await truncate(fd, bytes);
      return new AppendLog(fd, bytes);
    } catch (error) {
      await closeFile(fd);
      throw error;
    }
  }

  /** Resolves when the row is in the page cache: it survives the process, not the machine. */
  append(row: Uint8Array): Promise<void> {
    this.#rows.push(row);
    this.#writing ??= this.#write();
    return this.#writing;
  }

  async close(): Promise<void> {
    try {
      await this.#writing;
    } finally {
      await closeFile(this.#fd);
    }
  }

  async #write(): Promise<void> {
    try {
      // Rows of the same turn of the event loop go out together.
      await Promise.resolve();
      while (this.#rows.length > 0) {
        const rows = concatAll(this.#rows);
        this.#rows = [];
        if (this.#isTorn) await truncate(this.#fd, this.#bytes);
        this.#isTorn = true;
        await writeAt(this.#fd, rows, null);
        this.#isTorn = false;
        this.#bytes += rows.length;
      }
    } finally {
      // After an error: those that came meanwhile hear of the same.
      this.#rows = [];
      this.#writing = undefined;
    }
  }
}
