/** Rows appended to a file in order, those of one moment in one write. */
import { concat } from "../base/bytes.ts";
import { closeFile, writeAt } from "./file-calls.ts";

export class AppendLog {
  readonly #fd: number;
  #rows: Uint8Array[] = [];
  #writing: Promise<void> | undefined;

  /** @param fd - opened for appending; owned from now on */
  constructor(fd: number) {
    this.#fd = fd;
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
        const rows = this.#rows;
        this.#rows = [];
        await writeAt(this.#fd, concat(...rows), null);
      }
    } finally {
      this.#writing = undefined;
    }
  }
}
