/**
 * Which blocks of a cast are verified and written, and where to. Big endian.
 *
 *   header  0 "mp2pcast" | 8 boot id 16 | 24 layout 32 | 56 block bytes 4 | 60 crc32c 4
 *   row     0 kind 1 | 1 number 4 | 5 value 32 | 37 crc32c 4
 *   block   kind 1, number of the block, its hash; zeros take the claim back
 *   part    kind 2, number of the entry or 2^32 - 1 for the pack, dev 8 | ino 8 | zeros: the file its
 *           bytes are in; zeros: they are nowhere
 *
 * A row is written after the data it vouches for. The last row of a number counts. Rows from the first
 * torn one on are dropped.
 */
import { ascii, equalBytes, viewOf } from "../base/bytes.ts";
import { crc32c } from "../base/crc32c.ts";
import { AppendLog, readLog } from "./append-log.ts";
import { HASH_BYTES } from "./hashes.ts";

const MAGIC = ascii("mp2pcast");
const HEADER_BYTES = 64;
const ROW_BYTES = 41;
const ROW = { block: 1, part: 2 } as const;
const ZEROS = new Uint8Array(HASH_BYTES);

/** What the rows of a journal are about. */
export interface CastStamp {
  /** 16 bytes. */
  readonly boot: Uint8Array;
  /** Hash of the manifest, 32 bytes. */
  readonly layout: Uint8Array;
  readonly blockBytes: number;
}

/** Which file it is, whatever its name. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

export interface CastRows {
  readonly stamp: CastStamp;
  readonly blocks: Map<number, Uint8Array>;
  readonly parts: Map<number, FileIdentity>;
  /** Length of the readable beginning of the file. */
  readonly bytes: number;
}

export class CastJournal {
  readonly #log: AppendLog;

  private constructor(log: AppendLog) {
    this.#log = log;
  }

  /** Goes on behind `bytes` of readable rows; 0 starts over. */
  static async open(path: string, stamp: CastStamp, bytes: number): Promise<CastJournal> {
    const isNew = bytes === 0;
    return new CastJournal(
      await (isNew ? AppendLog.create(path, headerOf(stamp)) : AppendLog.resume(path, bytes)),
    );
  }

  claim(block: number, hash: Uint8Array): Promise<void> {
    return this.#log.append(rowOf(ROW.block, block, hash));
  }

  /** To be awaited before the block's bytes are overwritten. */
  unclaim(block: number): Promise<void> {
    return this.#log.append(rowOf(ROW.block, block, ZEROS));
  }

  /** To be awaited before the first claim of a block that has bytes there. */
  part(number: number, { dev, ino }: FileIdentity): Promise<void> {
    const value = new Uint8Array(HASH_BYTES);
    viewOf(value).setBigUint64(0, dev);
    viewOf(value).setBigUint64(8, ino);
    return this.#log.append(rowOf(ROW.part, number, value));
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

/** @returns undefined where there is no journal or its header is damaged. */
export async function readCastRows(path: string): Promise<CastRows | undefined> {
  const bytes = await readLog(path);
  return bytes && parseCastRows(bytes);
}

export function parseCastRows(bytes: Uint8Array): CastRows | undefined {
  const view = viewOf(bytes);
  if (bytes.length < HEADER_BYTES || !equalBytes(bytes.subarray(0, 8), MAGIC)) return undefined;
  if (crc32c(bytes.subarray(0, 60)) !== view.getUint32(60)) return undefined;

  const blocks = new Map<number, Uint8Array>();
  const parts = new Map<number, FileIdentity>();
  let at = HEADER_BYTES;
  for (; at + ROW_BYTES <= bytes.length; at += ROW_BYTES) {
    if (crc32c(bytes.subarray(at, at + 37)) !== view.getUint32(at + 37)) break;
    const number = view.getUint32(at + 1);
    const value = bytes.slice(at + 5, at + 37);
    if (bytes[at] === ROW.part) {
      parts.set(number, { dev: view.getBigUint64(at + 5), ino: view.getBigUint64(at + 13) });
    } else if (equalBytes(value, ZEROS)) {
      blocks.delete(number);
    } else {
      blocks.set(number, value);
    }
  }
  const layout = bytes.slice(24, 56);
  const stamp = { boot: bytes.slice(8, 24), layout, blockBytes: view.getUint32(56) };
  return { stamp, blocks, parts, bytes: at };
}

export function sameIdentity(left: FileIdentity | undefined, right: FileIdentity): boolean {
  return left?.dev === right.dev && left.ino === right.ino;
}

function headerOf({ boot, layout, blockBytes }: CastStamp): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(MAGIC);
  header.set(boot, 8);
  header.set(layout, 24);
  viewOf(header).setUint32(56, blockBytes);
  viewOf(header).setUint32(60, crc32c(header.subarray(0, 60)));
  return header;
}

function rowOf(kind: number, number: number, value: Uint8Array): Uint8Array {
  const row = new Uint8Array(ROW_BYTES);
  row[0] = kind;
  viewOf(row).setUint32(1, number);
  row.set(value, 5);
  viewOf(row).setUint32(37, crc32c(row.subarray(0, 37)));
  return row;
}
