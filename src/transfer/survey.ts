/** Looks, without writing, at what an offer would meet in the target. */
import fs from "node:fs";
import { equalBytes } from "../base/bytes.ts";
import {
  closeRead,
  errnoOf,
  namesIn,
  openFile,
  readAt,
  sameTime,
  statIfThere,
} from "./file-calls.ts";
import { fileError } from "./file-error.ts";
import type { FinishedFile } from "./finished-journal.ts";
import { type Blake3, fileRoot, HASH_BYTES, UNIT_BYTES, unitCount, unitLength } from "./hashes.ts";
import type { Inbox } from "./inbox.ts";
import type { FitEntry, OfferBook } from "./offer-book.ts";
import { estimateClaims } from "./part-file.ts";
import { KIND } from "./records.ts";
import { split, type Target } from "./target.ts";
import type { Turns } from "./turns.ts";

const { O_RDONLY, O_NOFOLLOW = 0 } = fs.constants;

/** A file whose name is taken by something else. */
export interface Existing {
  /** Path in the target. */
  readonly name: string;
  readonly bytes: number;
  readonly mtimeMs: number;
  readonly kind: "file" | "folder" | "other";
  /** The file that is offered. */
  readonly offered: { readonly bytes: number; readonly mtimeMs: number };
}

interface Names {
  has(name: string): boolean;
}

/** Of a folder that cannot be listed: each name is looked for. */
const ANY: Names = { has: () => true };
/** What is for such a folder is refused by itself. */
const NO_FOLDER: ReadonlySet<string> = new Set(["MP2P_NAME", "MP2P_EXISTS", "MP2P_PERMISSION"]);

export interface Survey {
  /** Complete in the target since an earlier attempt, or equal in size and time: by entry number. */
  readonly present: ReadonlyMap<number, "kept" | "same">;
  readonly conflicts: ReadonlyMap<number, Existing>;
  /** Put there by an earlier attempt and damaged when the machine went down. */
  readonly damaged: ReadonlySet<number>;
  /** Of `present` and of part files. */
  readonly resumeBytes: number;
}

/** @throws {Mp2pError} as the system says that the target cannot be read */
export async function survey(
  book: OfferBook,
  target: Target,
  inbox: Inbox | undefined,
  blake3: Blake3,
  turns: Turns,
): Promise<Survey> {
  const looking = new Look(target, inbox, blake3);
  for (const [number, entry] of book.fit()) {
    const turn = turns.after(entry.path.length);
    if (turn !== undefined) await turn;
    if (entry.kind !== KIND.file) continue;
    try {
      await looking.at(number, entry);
    } catch (error) {
      throw fileError(error, "MP2P_TARGET", "look for", entry.path);
    }
  }
  return looking;
}

class Look implements Survey {
  readonly present = new Map<number, "kept" | "same">();
  readonly conflicts = new Map<number, Existing>();
  readonly damaged = new Set<number>();
  resumeBytes = 0;
  readonly #target: Target;
  readonly #inbox: Inbox | undefined;
  readonly #blake3: Blake3;
  /** Names in folders of the target; undefined for folders that are not there. */
  readonly #listed = new Map<string, Names | undefined>();

  constructor(target: Target, inbox: Inbox | undefined, blake3: Blake3) {
    this.#target = target;
    this.#inbox = inbox;
    this.#blake3 = blake3;
  }

  async at(number: number, entry: FitEntry): Promise<void> {
    const [above, last] = split(entry.path);
    const finished = this.#inbox?.finished.found.files.get(entry.path);
    const listed = this.#listed.has(above) ? this.#listed.get(above) : await this.#list(above);
    if (listed !== undefined && finished !== undefined && listed.has(finished.name)) {
      if (await this.#isFinished(entry, above, finished)) {
        this.#holds(number, entry.size, "kept");
        return;
      }
    }
    if (listed?.has(last)) {
      const existing = await this.#existing(entry, above, last);
      if (existing === "same") {
        this.#holds(number, entry.size, "same");
        return;
      }
      if (existing === "damaged") this.damaged.add(number);
      else if (existing !== undefined) this.conflicts.set(number, existing);
    }
    if (this.#inbox !== undefined && entry.size > UNIT_BYTES) {
      this.resumeBytes += await estimateClaims(this.#inbox, entry, this.#blake3);
    }
  }

  #holds(number: number, bytes: number, how: "kept" | "same"): void {
    this.present.set(number, how);
    this.resumeBytes += bytes;
  }

  async #list(path: string): Promise<Names | undefined> {
    const folder = await this.#target.folder(path).catch(unlessNoFolder);
    let names: Names | undefined;
    if (folder !== undefined) {
      names = await namesIn(folder.at(".")).then(
        (list) => new Set(list),
        () => ANY,
      );
      folder.release();
    }
    this.#listed.set(path, names);
    return names;
  }

  async #existing(
    entry: FitEntry,
    above: string,
    name: string,
  ): Promise<Existing | "same" | "damaged" | undefined> {
    const stat = await this.#within(above, (at) => statIfThere(at(name)));
    if (stat === undefined) return undefined;
    const bytes = Number(stat.size);
    if (stat.isFile() && bytes === entry.size && sameTime(stat.mtimeNs, entry.mtimeNs)) {
      return this.#rebootedRow(entry) ? "damaged" : "same";
    }
    return {
      name: entry.path,
      bytes,
      mtimeMs: Number(stat.mtimeMs),
      kind: stat.isFile() ? "file" : stat.isDirectory() ? "folder" : "other",
      offered: { bytes: entry.size, mtimeMs: Number(entry.mtimeNs / 1_000_000n) },
    };
  }

  /** Written before the machine was started again, and found to be damaged since. */
  #rebootedRow(entry: FitEntry): boolean {
    const found = this.#inbox?.finished.found;
    return found?.rebooted === true && found.files.has(entry.path);
  }

  async #isFinished(entry: FitEntry, above: string, row: FinishedFile): Promise<boolean> {
    if (row.size !== entry.size || row.mtimeNs !== entry.mtimeNs) return false;
    const stat = await this.#within(above, (at) => statIfThere(at(row.name)));
    if (!stat?.isFile() || Number(stat.size) !== row.size) return false;
    if (!sameTime(stat.mtimeNs, row.mtimeNs)) return false;
    if (!this.#inbox?.finished.found.rebooted) return true;
    const root = await this.#within(above, (at) => rootOf(at(row.name), row.size, this.#blake3));
    return root !== undefined && equalBytes(root, row.root);
  }

  async #within<T>(
    path: string,
    work: (at: (name: string) => string) => Promise<T>,
  ): Promise<T | undefined> {
    const folder = await this.#target.folder(path);
    if (folder === undefined) return undefined;
    try {
      return await work((name) => folder.at(name));
    } finally {
      folder.release();
    }
  }
}

function unlessNoFolder(error: unknown): undefined {
  if (!NO_FOLDER.has(errnoOf(error) ?? "")) throw error;
}

/** Reads a whole file. @returns undefined where it is gone or has another size */
async function rootOf(path: string, size: number, blake3: Blake3): Promise<Uint8Array | undefined> {
  let fd: number;
  try {
    fd = await openFile(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
  try {
    const hashes = new Uint8Array(HASH_BYTES * unitCount(size));
    const buffer = Buffer.allocUnsafe(Math.min(size, UNIT_BYTES));
    for (let unit = 0; unit < unitCount(size); unit++) {
      const content = buffer.subarray(0, unitLength(size, unit));
      if ((await readAt(fd, content, unit * UNIT_BYTES)) < content.length) return undefined;
      hashes.set(blake3(content), unit * HASH_BYTES);
    }
    return fileRoot(blake3, size, hashes);
  } finally {
    await closeRead(fd);
  }
}
