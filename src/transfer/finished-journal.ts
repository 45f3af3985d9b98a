/**
 * What a transfer has finished, so that a later attempt neither sends nor renames it again. Big endian.
 *
 *   header  0 "mp2pdone" | 8 boot id 16 | 24 crc32c 4
 *   row     0 length of the body 2 | 2 body | crc32c 4 over length and body
 *   file    0 type 1 = 1 | 1 size 8 | 9 mtime ns 8 | 17 root 32 | 49 path length 2 | 51 path | final name
 *   folder  0 type 1 = 2 | 1 path; a folder this transfer made, whose mode and time it may set
 */
import { ascii, equalBytes, viewOf } from "../base/bytes.ts";
import { crc32c } from "../base/crc32c.ts";
import { AppendLog, readLog } from "./append-log.ts";
import { HASH_BYTES } from "./hashes.ts";

const MAGIC = ascii("mp2pdone");
const HEADER_BYTES = 28;
const FILE_FIXED_BYTES = 51;
/** A root is the hash of unit hashes, which links have none of, and blocks of casts do not give. */
export const NO_ROOT: Uint8Array = new Uint8Array(HASH_BYTES);
const ROW_FILE = 1;
const ROW_FOLDER = 2;

interface Entry {
  readonly path: string;
  readonly size: number;
  readonly mtimeNs: bigint;
}

export interface FinishedFile extends Entry {
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** Last component of where it was put: another than the path's where it was renamed. */
  readonly name: string;
}

export interface FinishedRows {
  readonly files: ReadonlyMap<string, FinishedFile>;
  readonly folders: ReadonlySet<string>;
  /** The machine was started again since: contents are to be read before they are believed. */
  readonly rebooted: boolean;
}

const decoder = new TextDecoder();

export class FinishedJournal {
  readonly found: FinishedRows;
  readonly #log: AppendLog;

  private constructor(log: AppendLog, found: FinishedRows) {
    this.#log = log;
    this.found = found;
  }

  /** Reads what is there; a damaged header starts the journal over. */
  static async open(path: string, boot: Uint8Array): Promise<FinishedJournal> {
    const bytes = await readLog(path);
    const parsed = bytes && parseFinished(bytes, boot);
    if (parsed !== undefined) {
      return new FinishedJournal(await AppendLog.resume(path, parsed.bytes), parsed.rows);
    }
    const nothing = { files: new Map(), folders: new Set<string>(), rebooted: false };
    return new FinishedJournal(await AppendLog.create(path, headerOf(boot)), nothing);
  }

  addFile({ path, size, mtimeNs }: Entry, root: Uint8Array, name: string): Promise<void> {
    const pathBytes = Buffer.byteLength(path);
    const row = rowFor(FILE_FIXED_BYTES + pathBytes + Buffer.byteLength(name));
    row[2] = ROW_FILE;
    row.writeBigUInt64BE(BigInt(size), 3);
    row.writeBigInt64BE(mtimeNs, 11);
    row.set(root, 19);
    row.writeUInt16BE(pathBytes, 51);
    row.write(path, 2 + FILE_FIXED_BYTES);
    row.write(name, 2 + FILE_FIXED_BYTES + pathBytes);
    return this.#log.append(sealed(row));
  }

  addFolder(path: string): Promise<void> {
    const row = rowFor(1 + Buffer.byteLength(path));
    row[2] = ROW_FOLDER;
    row.write(path, 3);
    return this.#log.append(sealed(row));
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

/** @returns undefined where the header is missing or damaged. */
export function parseFinished(
  bytes: Uint8Array,
  boot: Uint8Array,
): { readonly rows: FinishedRows; readonly bytes: number } | undefined {
  const view = viewOf(bytes);
  if (bytes.length < HEADER_BYTES || !equalBytes(bytes.subarray(0, 8), MAGIC)) return undefined;
  if (crc32c(bytes.subarray(0, 24)) !== view.getUint32(24)) return undefined;

  const files = new Map<string, FinishedFile>();
  const folders = new Set<string>();
  let at = HEADER_BYTES;
  while (at + 2 <= bytes.length) {
    const end = at + 2 + view.getUint16(at);
    if (end + 4 > bytes.length) break;
    if (crc32c(bytes.subarray(at, end)) !== view.getUint32(end)) break;
    addRow(bytes.subarray(at + 2, end), files, folders);
    at = end + 4;
  }
  const rebooted = !equalBytes(bytes.subarray(8, 24), boot);
  return { rows: { files, folders, rebooted }, bytes: at };
}

function addRow(body: Uint8Array, files: Map<string, FinishedFile>, folders: Set<string>): void {
  if (body[0] === ROW_FOLDER) folders.add(decoder.decode(body.subarray(1)));
  if (body[0] !== ROW_FILE || body.length < FILE_FIXED_BYTES) return;
  const view = viewOf(body);
  const nameAt = FILE_FIXED_BYTES + view.getUint16(49);
  const path = decoder.decode(body.subarray(FILE_FIXED_BYTES, nameAt));
  files.set(path, {
    path,
    size: Number(view.getBigUint64(1)),
    mtimeNs: view.getBigInt64(9),
    root: body.slice(17, 49),
    name: decoder.decode(body.subarray(nameAt)),
  });
}

function headerOf(boot: Uint8Array): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(MAGIC);
  header.set(boot, 8);
  viewOf(header).setUint32(24, crc32c(header.subarray(0, 24)));
  return header;
}

function rowFor(bodyBytes: number): Buffer {
  const row = Buffer.allocUnsafe(bodyBytes + 6);
  row.writeUInt16BE(bodyBytes, 0);
  return row;
}

function sealed(row: Buffer): Buffer {
  const crcAt = row.length - 4;
  row.writeUInt32BE(crc32c(row.subarray(0, crcAt)), crcAt);
  return row;
}
