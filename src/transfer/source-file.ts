/** A file being sent: opened without following links, and watched for change while it is read. */
import fs from "node:fs";
import { Mp2pError } from "../base/errors.ts";
import { closeRead, openFile, readAt, statFile } from "./file-calls.ts";
import { fileError } from "./file-error.ts";
import { printable } from "./printable.ts";
import type { SourceEntry } from "./source-tree.ts";
import type { FileStamp } from "./unit-journal.ts";

/** A named pipe put in a file's place must not hold the open. */
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;

export class SourceFile {
  readonly entry: SourceEntry;
  readonly #fd: number;

  private constructor(entry: SourceEntry, fd: number) {
    this.entry = entry;
    this.#fd = fd;
  }

  /** @throws {Mp2pError} `MP2P_SOURCE` or `MP2P_PERMISSION` */
  static async open(entry: SourceEntry): Promise<SourceFile> {
    try {
      const fd = await openFile(entry.file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      return new SourceFile(entry, fd);
    } catch (error) {
      throw fileError(error, "MP2P_SOURCE", "read", entry.path);
    }
  }

  /** Fills `into` from `position`. @throws {Mp2pError} `MP2P_SOURCE_CHANGED` where the file is shorter */
  async read(into: Uint8Array, position: number): Promise<void> {
    let bytes: number;
    try {
      bytes = await readAt(this.#fd, into, position);
    } catch (error) {
      throw fileError(error, "MP2P_SOURCE", "read", this.entry.path);
    }
    if (bytes < into.length) throw changed(this.entry);
  }

  /**
   * Compares with what was offered; after the last read this vouches for all of them.
   *
   * @throws {Mp2pError} `MP2P_SOURCE_CHANGED`, `MP2P_SOURCE`
   */
  async check(): Promise<FileStamp> {
    const stat = await statFile(this.#fd).catch((error) => {
      throw fileError(error, "MP2P_SOURCE", "read", this.entry.path);
    });
    const { size, mtimeNs } = this.entry;
    if (!stat.isFile() || stat.size !== BigInt(size) || stat.mtimeNs !== mtimeNs) {
      throw changed(this.entry);
    }
    const boot = new Uint8Array(16);
    return {
      boot,
      dev: stat.dev,
      ino: stat.ino,
      size: stat.size,
      mtimeNs,
      ctimeNs: stat.ctimeNs,
    };
  }

  close(): Promise<void> {
    return closeRead(this.#fd);
  }
}

function changed(entry: SourceEntry): Mp2pError {
  const message = `source changed while sent: ${printable(entry.path)}`;
  return new Mp2pError("MP2P_SOURCE_CHANGED", message, {
    hint: "Send again when nothing writes to it: only what differs is sent.",
  });
}
