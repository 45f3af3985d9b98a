/**
 * What a transfer has finished, so that a later attempt neither sends nor renames it again. Big endian.
 *
 *   header  0 "mp2pdone" | 8 boot id 16 | 24 crc32c 4
 *   row     0 length of the body 2 | 2 body | crc32c 4 over length and body
 *   file    0 type 1 = 1 | 1 size 8 | 9 mtime ns 8 | 17 root 32 | 49 path length 2 | 51 path | final name
 *   folder  0 type 1 = 2 | 1 path; a folder this transfer made, whose mode and time it may set
 */
import fs from "node:fs";
import { ascii, concat, equalBytes, viewOf } from "../base/bytes.ts";
import { crc32c } from "../base/crc32c.ts";
import { AppendLog } from "./append-log.ts";
import { closeFile, openFile, readAt, statFile, truncate, writeAt } from "./file-calls.ts";

const MAGIC = ascii("mp2pdone");
const HEADER_BYTES = 28;
const FILE_FIXED_BYTES = 51;
const ROW_FILE = 1;
const ROW_FOLDER = 2;
const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW = 0 } = fs.constants;

export interface FinishedFile {
  readonly path: string;
  readonly size: number;
  readonly mtimeNs: bigint;
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

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class FinishedJournal {
  readonly found: FinishedRows;
  readonly #log: AppendLog;

  private constructor(fd: number, found: FinishedRows) {
    this.#log = new AppendLog(fd);
    this.found = found;
  }

  /** Reads what is there; a damaged header starts the journal over. */
  static async open(path: string, boot: Uint8Array): Promise<FinishedJournal> {
    const fd = await openFile(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW);
    try {
      const bytes = new Uint8Array(Number((await statFile(fd)).size));
      const parsed = parseFinished(bytes.subarray(0, await readAt(fd, bytes, 0)), boot);
      await truncate(fd, parsed?.bytes ?? 0);
      if (parsed === undefined) await writeAt(fd, headerOf(boot), null);
      const nothing = { files: new Map(), folders: new Set<string>(), rebooted: false };
      return new FinishedJournal(fd, parsed?.rows ?? nothing);
    } catch (error) {
      await closeFile(fd);
      throw error;
    }
  }

  addFile(file: FinishedFile): Promise<void> {
    const fixed = new Uint8Array(FILE_FIXED_BYTES);
    const view = viewOf(fixed);
    const path = encoder.encode(file.path);
    fixed[0] = ROW_FILE;
    view.setBigUint64(1, BigInt(file.size));
    view.setBigInt64(9, file.mtimeNs);
    fixed.set(file.root, 17);
    view.setUint16(49, path.length);
    return this.#log.append(rowOf(fixed, path, encoder.encode(file.name)));
  }

  addFolder(path: string): Promise<void> {
    return this.#log.append(rowOf(Uint8Array.of(ROW_FOLDER), encoder.encode(path)));
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

function addRow(
  body: Uint8Array,
  files: Map<string, FinishedFile>,
  folders: Set<string>,
): void {
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

function rowOf(...parts: readonly Uint8Array[]): Uint8Array {
  const body = concat(new Uint8Array(2), ...parts, new Uint8Array(4));
  const view = viewOf(body);
  view.setUint16(0, body.length - 6);
  view.setUint32(body.length - 4, crc32c(body.subarray(0, body.length - 4)));
  return body;
}
