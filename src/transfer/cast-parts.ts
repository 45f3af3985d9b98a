/**
 * Where the blocks of a cast lie until all are there: a part file for each large file, and one pack for
 * all small ones, which a block holds hundreds of. A journal says which blocks are verified and written.
 */
import { equalBytes } from "../base/bytes.ts";
import { Mp2pError } from "../base/errors.ts";
import type { HeldBlock } from "../multicast/cast/contract.ts";
import { allDone } from "./all-done.ts";
import {
  CastJournal,
  type CastRows,
  type CastStamp,
  type FileIdentity,
  readCastRows,
  sameIdentity,
} from "./cast-journal.ts";
import { CastLayout } from "./cast-layout.ts";
import { CastPart } from "./cast-part.ts";
import {
  closeFile,
  readAt,
  setMode,
  setTimes,
  statIfThere,
  truncate,
  writeAt,
} from "./file-calls.ts";
import { type Blake3, partName, UNIT_BYTES } from "./hashes.ts";
import type { Inbox } from "./inbox.ts";
import { OpenFiles } from "./open-files.ts";
import type { Entry } from "./records.ts";

const JOURNAL = "blocks";
const PACK = 0xffff_ffff;
const OPEN_AT_ONCE = 32;
const NOT_WANTED = new Uint8Array();
const NOWHERE: FileIdentity = { dev: 0n, ino: 0n };

/** A run of bytes in one part file. */
interface Run {
  /** Entry number of a large file, or PACK. */
  readonly part: number;
  readonly position: number;
  readonly from: number;
  readonly length: number;
}

export interface PartsOptions {
  readonly inbox: Inbox;
  readonly entries: readonly Entry[];
  readonly stamp: CastStamp;
  readonly blake3: Blake3;
  /** Whether the file's content is to be written at all, by entry number. */
  readonly isWanted: (entry: number) => boolean;
}

export class CastParts {
  readonly #options: PartsOptions;
  readonly #layout: CastLayout;
  readonly #packAt: Float64Array;
  readonly #files: OpenFiles<CastPart>;
  #journal!: CastJournal;
  #isOpen = true;
  #blocks = new Map<number, Uint8Array>();
  /** Part files that hold what the journal says, and how long they are. */
  readonly #found = new Map<number, { identity: FileIdentity; bytes: number }>();

  private constructor(options: PartsOptions) {
    this.#options = options;
    this.#layout = new CastLayout(options.entries);
    this.#packAt = new Float64Array(options.entries.length);
    let at = 0;
    for (const [number, { size }] of options.entries.entries()) {
      this.#packAt[number] = at;
      if (size <= UNIT_BYTES) at += size;
    }
    this.#files = new OpenFiles((number) => this.#open(number), OPEN_AT_ONCE);
  }

  /** Goes on with what an earlier attempt left. After a reboot, its blocks are read and checked. */
  static async open(options: PartsOptions): Promise<CastParts> {
    const parts = new CastParts(options);
    const { inbox, stamp } = options;
    const path = inbox.folder.at(JOURNAL);
    const rows = await readCastRows(path);
    const isOurs = rows !== undefined && isSameCast(rows.stamp, stamp);
    const goesOn = isOurs && equalBytes(rows.stamp.boot, stamp.boot);
    if (isOurs) await parts.#find(rows);
    parts.#journal = await CastJournal.open(path, stamp, goesOn ? rows.bytes : 0);
    if (isOurs) await (goesOn ? parts.#forget(rows) : parts.#check());
    return parts;
  }

  /** Blocks that need not come: verified and written, or not wanted by anybody here. */
  held(): readonly HeldBlock[] {
    const { stamp, isWanted } = this.#options;
    const held: HeldBlock[] = [];
    for (let block = 0; block * stamp.blockBytes < this.#layout.bytes; block++) {
      const hash = this.#blocks.get(block) ?? NOT_WANTED;
      const pieces = this.#layout.pieces(block * stamp.blockBytes, stamp.blockBytes);
      if (hash !== NOT_WANTED || [...pieces].every(({ entry }) => !isWanted(entry))) {
        held.push({ block, hash });
      }
    }
    return held;
  }

  /** Bytes of a block. */
  blockLength(block: number): number {
    const { blockBytes } = this.#options.stamp;
    return Math.min(blockBytes, this.#layout.bytes - block * blockBytes);
  }

  /**
   * Writes a verified block and then says so in the journal.
   *
   * @returns whether it was held before
   */
  async write(offset: number, bytes: Uint8Array, hash: Uint8Array): Promise<boolean> {
    const block = offset / this.#options.stamp.blockBytes;
    if (!Number.isInteger(block) || bytes.length !== this.blockLength(block)) {
      throw new Mp2pError("MP2P_PROTOCOL", `no block has ${bytes.length} bytes at ${offset}`);
    }
    const isAgain = this.#blocks.delete(block);
    if (isAgain) await this.#journal.unclaim(block);
    const writing = [...this.#runs(offset, bytes.length)].map(({ part, position, from, length }) =>
      this.#files.use(part, ({ fd }) => writeAt(fd, bytes.subarray(from, from + length), position)),
    );
    // All of them settle before the caller may use its bytes again.
    await allDone(writing);
    await this.#journal.claim(block, hash);
    this.#blocks.set(block, hash.slice());
    return isAgain;
  }

  /** Content of a small file. */
  async small(number: number): Promise<Uint8Array> {
    const size = this.#options.entries[number]?.size ?? 0;
    const content = new Uint8Array(size);
    if (size === 0) return content;
    await this.#files.use(PACK, ({ fd }) => readAt(fd, content, this.#packAt[number] as number));
    return content;
  }

  /** Mode, time and, where asked for, the disk of a large file that is complete; closes it. @returns its path */
  async seal(number: number, { mode, mtimeNs }: Entry, durable: boolean): Promise<string> {
    await this.#files.use(number, async (part) => {
      await setMode(part.fd, mode);
      await setTimes(part.fd, mtimeNs);
      if (durable) await part.sync();
    });
    await this.#files.close(number);
    return this.#path(number);
  }

  /** Idempotent; no write may be under way. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // What cannot be closed is disowned in the journal.
    await this.#files.closeAll().catch(() => undefined);
    await this.#journal.close().catch(() => undefined);
  }

  /** Runs of bytes as they lie in part files: neighbours in the pack are one. */
  *#runs(offset: number, length: number): Generator<Run, void, undefined> {
    const { entries, isWanted } = this.#options;
    let pack: Run | undefined;
    for (const piece of this.#layout.pieces(offset, length)) {
      if ((entries[piece.entry]?.size ?? 0) > UNIT_BYTES) {
        if (isWanted(piece.entry)) yield { ...piece, part: piece.entry };
        continue;
      }
      const position = (this.#packAt[piece.entry] as number) + piece.position;
      if (pack !== undefined && pack.from + pack.length === piece.from) {
        pack = { ...pack, length: pack.length + piece.length };
      } else {
        if (pack !== undefined) yield pack;
        pack = { part: PACK, position, from: piece.from, length: piece.length };
      }
    }
    if (pack !== undefined) yield pack;
  }

  #name(part: number): string {
    const { entries, blake3 } = this.#options;
    return `${part === PACK ? "small" : partName(blake3, entries[part]?.path ?? "")}.part`;
  }

  #path(part: number): string {
    return this.#options.inbox.folder.at(this.#name(part));
  }

  /** Looks for the part files of an earlier attempt, and for blocks that are whole in them. */
  async #find({ parts, blocks }: CastRows): Promise<void> {
    for (const [number, identity] of parts) {
      if (number !== PACK && !this.#options.isWanted(number)) continue;
      const stat = await statIfThere(this.#path(number));
      // A second name means that a file was being put in place: whoever uses it may change it.
      if (!stat?.isFile() || stat.nlink !== 1n || !sameIdentity(identity, stat)) continue;
      this.#found.set(number, { identity, bytes: Number(stat.size) });
    }
    const { blockBytes } = this.#options.stamp;
    for (const [block, hash] of blocks) {
      const runs = this.#runs(block * blockBytes, blockBytes);
      const isThere = ({ part, position, length }: Run) =>
        position + length <= (this.#found.get(part)?.bytes ?? 0);
      if ([...runs].every(isThere)) this.#blocks.set(block, hash);
    }
  }

  /** Takes back what rows say and is no longer so, before a part file is made anew for it. */
  async #forget({ parts, blocks }: CastRows): Promise<void> {
    for (const block of blocks.keys()) {
      if (!this.#blocks.has(block)) await this.#journal.unclaim(block);
    }
    for (const number of parts.keys()) {
      if (!this.#found.has(number)) await this.#disown(number);
    }
  }

  /** The machine was started again: only what can be read counts. */
  async #check(): Promise<void> {
    const { stamp, blake3 } = this.#options;
    const claims = this.#blocks;
    this.#blocks = new Map();
    for (const [number, { identity }] of this.#found) await this.#journal.part(number, identity);
    const buffer = Buffer.allocUnsafe(stamp.blockBytes);
    for (const [block, hash] of claims) {
      const content = buffer.subarray(0, this.blockLength(block));
      let bytes = 0;
      for (const run of this.#runs(block * stamp.blockBytes, content.length)) {
        const into = content.subarray(run.from, run.from + run.length);
        bytes += await this.#files.use(run.part, ({ fd }) => readAt(fd, into, run.position));
      }
      if (bytes < content.length || !equalBytes(blake3(content), hash)) continue;
      await this.#journal.claim(block, hash);
      this.#blocks.set(block, hash);
    }
  }

  /** None of its blocks counts at the next attempt. */
  #disown(part: number): Promise<void> {
    return this.#journal.part(part, NOWHERE);
  }

  async #open(number: number): Promise<CastPart> {
    const { fd, stat } = await this.#options.inbox.openPart(this.#name(number));
    const part = new CastPart(fd, () => this.#disown(number));
    try {
      if (sameIdentity(this.#found.get(number)?.identity, stat)) return part;
      await truncate(fd, 0);
      const { dev, ino } = stat;
      await this.#journal.part(number, { dev, ino });
      this.#found.set(number, { identity: { dev, ino }, bytes: 0 });
      return part;
    } catch (error) {
      await closeFile(fd);
      throw error;
    }
  }
}

/** What an earlier attempt holds, without opening it for writing. */
export async function estimateHeld(inbox: Inbox, stamp: CastStamp): Promise<number> {
  const rows = await readCastRows(inbox.folder.at(JOURNAL));
  if (rows === undefined || !isSameCast(rows.stamp, stamp)) return 0;
  return rows.blocks.size * stamp.blockBytes;
}

function isSameCast(left: CastStamp, right: CastStamp): boolean {
  return left.blockBytes === right.blockBytes && equalBytes(left.layout, right.layout);
}
