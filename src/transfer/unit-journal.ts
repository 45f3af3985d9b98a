/**
 * Which units of a large file are verified, and their hashes: kept by the receiver beside the part
 * file, and by the sender so that it need not hash again. Big endian.
 *
 *   header  0 "mp2punit" | 8 boot id 16 | 24 dev 8 | 32 ino 8 | 40 size 8 | 48 mtime ns 8 | 56 ctime ns 8 | 64 crc32c 4
 *   row     0 unit 4 | 4 hash 32 | 36 crc32c 4
 *
 * A row is written after the data it vouches for. The last row of a unit counts; a hash of zeros takes
 * a claim back. Rows from the first torn one on are dropped.
 */
import { ascii, concatAll, equalBytes, viewOf } from "../base/bytes.ts";
import { crc32c } from "../base/crc32c.ts";
import { AppendLog, readLog } from "./append-log.ts";
import { HASH_BYTES } from "./hashes.ts";

const MAGIC = ascii("mp2punit");
const HEADER_BYTES = 68;
const ROW_BYTES = 40;
const NO_CLAIM = new Uint8Array(HASH_BYTES);

/** The file a journal speaks of; what does not matter is zero on both sides. */
export interface FileStamp {
  /** 16 bytes. */
  readonly boot: Uint8Array;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export interface UnitRows {
  readonly stamp: FileStamp;
  readonly hashes: ReadonlyMap<number, Uint8Array>;
  /** Length of the readable beginning of the file. */
  readonly bytes: number;
}

export class UnitJournal {
  readonly #log: AppendLog;

  private constructor(log: AppendLog) {
    this.#log = log;
  }

  /** Starts a journal, or starts it over. `rows` are claims to keep. */
  static async create(
    path: string,
    stamp: FileStamp,
    rows: ReadonlyMap<number, Uint8Array> = new Map(),
  ): Promise<UnitJournal> {
    const claims = [...rows].map(([unit, hash]) => rowOf(unit, hash));
    return new UnitJournal(await AppendLog.create(path, concatAll([headerOf(stamp), ...claims])));
  }

  /** Goes on with a journal that `readUnitRows` found readable up to `bytes`. */
  static async resume(path: string, bytes: number): Promise<UnitJournal> {
    return new UnitJournal(await AppendLog.resume(path, bytes));
  }

  claim(unit: number, hash: Uint8Array): Promise<void> {
    return this.#log.append(rowOf(unit, hash));
  }

  /** To be awaited before the unit's data is overwritten. */
  unclaim(unit: number): Promise<void> {
    return this.#log.append(rowOf(unit, NO_CLAIM));
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

/** @returns undefined where there is no journal or its header is damaged. */
export async function readUnitRows(path: string): Promise<UnitRows | undefined> {
  const bytes = await readLog(path);
  return bytes && parseUnitRows(bytes);
}

export function parseUnitRows(bytes: Uint8Array): UnitRows | undefined {
  const view = viewOf(bytes);
  if (bytes.length < HEADER_BYTES || !equalBytes(bytes.subarray(0, 8), MAGIC)) return undefined;
  if (crc32c(bytes.subarray(0, 64)) !== view.getUint32(64)) return undefined;

  const hashes = new Map<number, Uint8Array>();
  let at = HEADER_BYTES;
  for (; at + ROW_BYTES <= bytes.length; at += ROW_BYTES) {
    if (crc32c(bytes.subarray(at, at + 36)) !== view.getUint32(at + 36)) break;
    const unit = view.getUint32(at);
    const hash = bytes.slice(at + 4, at + 36);
    if (equalBytes(hash, NO_CLAIM)) hashes.delete(unit);
    else hashes.set(unit, hash);
  }
  const stamp = {
    boot: bytes.slice(8, 24),
    dev: view.getBigUint64(24),
    ino: view.getBigUint64(32),
    size: view.getBigUint64(40),
    mtimeNs: view.getBigInt64(48),
    ctimeNs: view.getBigInt64(56),
  };
  return { stamp, hashes, bytes: at };
}

export function sameStamp(left: FileStamp, right: FileStamp): boolean {
  return equalBytes(headerOf(left), headerOf(right));
}

function headerOf(stamp: FileStamp): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = viewOf(header);
  header.set(MAGIC);
  header.set(stamp.boot, 8);
  view.setBigUint64(24, stamp.dev);
  view.setBigUint64(32, stamp.ino);
  view.setBigUint64(40, stamp.size);
  view.setBigInt64(48, stamp.mtimeNs);
  view.setBigInt64(56, stamp.ctimeNs);
  view.setUint32(64, crc32c(header.subarray(0, 64)));
  return header;
}

function rowOf(unit: number, hash: Uint8Array): Uint8Array {
  const row = new Uint8Array(ROW_BYTES);
  const view = viewOf(row);
  view.setUint32(0, unit);
  row.set(hash, 4);
  view.setUint32(36, crc32c(row.subarray(0, 36)));
  return row;
}
