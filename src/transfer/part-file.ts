/** A large file being received: content in `NAME.part`, verified units in `NAME.units`. */
import { equalBytes } from "../base/bytes.ts";
import {
  closeFile,
  readAt,
  removeIfThere,
  setMode,
  setTimes,
  sync,
  truncate,
} from "./file-calls.ts";
import {
  type Blake3,
  fileRoot,
  HASH_BYTES,
  partName,
  UNIT_BYTES,
  unitCount,
  unitLength,
} from "./hashes.ts";
import type { Inbox } from "./inbox.ts";
import type { FitEntry } from "./offer-book.ts";
import {
  type FileStamp,
  readUnitRows,
  sameStamp,
  UnitJournal,
  type UnitRows,
} from "./unit-journal.ts";
import { WriteQueue } from "./write-queue.ts";

const MISSING = 0;
/** Held from an earlier attempt. */
const CLAIMED = 1;
const ARRIVING = 2;
const WRITTEN = 3;

export class PartFile {
  readonly entry: FitEntry;
  /** Path of the content. */
  readonly path: string;
  readonly units: number;
  readonly #journalPath: string;
  readonly #fd: number;
  readonly #writes: WriteQueue;
  readonly #journal: UnitJournal;
  readonly #hashes: Uint8Array;
  readonly #states: Uint8Array;
  #open = true;

  private constructor(
    entry: FitEntry,
    paths: { part: string; units: string },
    fd: number,
    journal: UnitJournal,
    claims: ReadonlyMap<number, Uint8Array>,
  ) {
    this.entry = entry;
    this.path = paths.part;
    this.#journalPath = paths.units;
    this.#fd = fd;
    this.#writes = new WriteQueue(fd);
    this.#journal = journal;
    this.units = unitCount(entry.size);
    this.#hashes = new Uint8Array(HASH_BYTES * this.units);
    this.#states = new Uint8Array(this.units);
    for (const [unit, hash] of claims) {
      this.#hashes.set(hash, unit * HASH_BYTES);
      this.#states[unit] = CLAIMED;
    }
  }

  /** Opens what an earlier attempt left, or starts. After a reboot, claims are read and checked. */
  static async open(inbox: Inbox, entry: FitEntry, blake3: Blake3): Promise<PartFile> {
    const name = partName(blake3, entry.path);
    const paths = {
      part: inbox.folder.at(`${name}.part`),
      units: inbox.folder.at(`${name}.units`),
    };
    const { fd, stat } = await inbox.openPart(`${name}.part`);
    try {
      const { dev, ino } = stat;
      const stamp = stampOf(inbox.boot, dev, ino, entry.size);
      const rows = await readUnitRows(paths.units);
      let claims = usableClaims(rows, stamp, Number(stat.size));
      const rebooted = rows !== undefined && !equalBytes(rows.stamp.boot, inbox.boot);
      if (rebooted) claims = await checkedClaims(fd, entry.size, claims, blake3);
      if (stat.size > entry.size) await truncate(fd, entry.size);
      const resumes = rows !== undefined && sameStamp(rows.stamp, stamp);
      const journal = resumes
        ? await UnitJournal.resume(paths.units, rows.bytes)
        : await UnitJournal.create(paths.units, stamp, claims);
      return new PartFile(entry, paths, fd, journal, claims);
    } catch (error) {
      await closeFile(fd);
      throw error;
    }
  }

  /** Runs of units held from an earlier attempt: first unit and their hashes. */
  *claimed(most: number): Generator<readonly [number, Uint8Array], void, undefined> {
    for (let first = 0; first < this.units; first++) {
      let end = first;
      while (end < this.units && end - first < most && this.#states[end] === CLAIMED) end++;
      if (end === first) continue;
      yield [first, this.#hashes.subarray(first * HASH_BYTES, end * HASH_BYTES)];
      first = end - 1;
    }
  }

  get claimedBytes(): number {
    let bytes = 0;
    for (let unit = 0; unit < this.units; unit++) {
      if (this.#states[unit] === CLAIMED) bytes += unitLength(this.entry.size, unit);
    }
    return bytes;
  }

  /** @returns whether the unit was claimed, or undefined where it may not come (again) */
  expect(unit: number): { readonly claimed: boolean } | undefined {
    const state = this.#states[unit];
    if (state !== MISSING && state !== CLAIMED) return undefined;
    this.#states[unit] = ARRIVING;
    return { claimed: state === CLAIMED };
  }

  /** Writes a verified unit and then says so in the journal. */
  async write(
    unit: number,
    content: Uint8Array,
    hash: Uint8Array,
    claimed: boolean,
  ): Promise<void> {
    if (claimed) await this.#journal.unclaim(unit);
    await this.#writes.write(content, unit * UNIT_BYTES);
    await this.#journal.claim(unit, hash);
    this.#hashes.set(hash, unit * HASH_BYTES);
    this.#states[unit] = WRITTEN;
  }

  /** @returns whether all units are here and make this root */
  isComplete(blake3: Blake3, root: Uint8Array): boolean {
    if (!this.#states.every((state) => state === CLAIMED || state === WRITTEN)) return false;
    return equalBytes(fileRoot(blake3, this.entry.size, this.#hashes), root);
  }

  /**
   * Mode, time and, where asked for, the disk; closes it. What was written and then could not be kept is
   * said only here (fsync(2), close(2)), once, and of no unit: none of them counts any more.
   */
  async seal(durable: boolean): Promise<void> {
    await setMode(this.#fd, this.entry.mode);
    await setTimes(this.#fd, this.entry.mtimeNs);
    try {
      if (durable) await sync(this.#fd);
      await this.#close();
    } catch (error) {
      await removeIfThere(this.#journalPath);
      throw error;
    }
  }

  get journalPath(): string {
    return this.#journalPath;
  }

  /** Idempotent; no write may be under way. */
  async close(): Promise<void> {
    if (this.#open) await this.#close().catch(() => undefined);
  }

  async #close(): Promise<void> {
    this.#open = false;
    const [closed] = await Promise.allSettled([closeFile(this.#fd), this.#journal.close()]);
    if (closed.status === "rejected") throw closed.reason;
  }
}

/** What an earlier attempt holds of a file, without opening it for writing. An estimate. */
export async function estimateClaims(
  inbox: Inbox,
  entry: FitEntry,
  blake3: Blake3,
): Promise<number> {
  const name = partName(blake3, entry.path);
  if (!inbox.parts.has(name)) return 0;
  const rows = await readUnitRows(inbox.folder.at(`${name}.units`));
  let bytes = 0;
  for (const unit of rows?.hashes.keys() ?? []) {
    if (unit < unitCount(entry.size)) bytes += unitLength(entry.size, unit);
  }
  return bytes;
}

function stampOf(boot: Uint8Array, dev: bigint, ino: bigint, size: number): FileStamp {
  return { boot, dev, ino, size: BigInt(size), mtimeNs: 0n, ctimeNs: 0n };
}

/** Rows that speak of this very file, and of units that are the same in a file of the size now offered. */
function usableClaims(
  rows: UnitRows | undefined,
  stamp: FileStamp,
  partBytes: number,
): Map<number, Uint8Array> {
  const claims = new Map<number, Uint8Array>();
  if (rows?.stamp.dev !== stamp.dev || rows.stamp.ino !== stamp.ino) return claims;
  const size = Number(stamp.size);
  const before = Number(rows.stamp.size);
  for (const [unit, hash] of rows.hashes) {
    if (unit >= unitCount(size)) continue;
    const length = unitLength(size, unit);
    const same = unit < unitCount(before) && unitLength(before, unit) === length;
    if (same && unit * UNIT_BYTES + length <= partBytes) claims.set(unit, hash);
  }
  return claims;
}

async function checkedClaims(
  fd: number,
  size: number,
  claims: ReadonlyMap<number, Uint8Array>,
  blake3: Blake3,
): Promise<Map<number, Uint8Array>> {
  const checked = new Map<number, Uint8Array>();
  const buffer = Buffer.allocUnsafe(UNIT_BYTES);
  for (const [unit, hash] of claims) {
    const content = buffer.subarray(0, unitLength(size, unit));
    const bytes = await readAt(fd, content, unit * UNIT_BYTES);
    if (bytes === content.length && equalBytes(blake3(content), hash)) checked.set(unit, hash);
  }
  return checked;
}
