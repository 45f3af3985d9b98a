/** A file of several units: read, hashed and sent unit by unit, several under way at once. */
import { join } from "node:path";
import { equalBytes, toHex } from "../base/bytes.ts";
import { makeWithParents } from "../endpoint/make-with-parents.ts";
import { HEADROOM_BYTES } from "./buffer-pool.ts";
import { Tasks } from "./gate.ts";
import { fileRoot, HASH_BYTES, partName, UNIT_BYTES, unitCount, unitLength } from "./hashes.ts";
import { finishRecord, putContentHead, RECORD_HEADER_BYTES, UNIT_HEAD_BYTES } from "./records.ts";
import type { Sender } from "./sender.ts";
import { SourceFile } from "./source-file.ts";
import type { SourceEntry } from "./source-tree.ts";
import { type FileStamp, readUnitRows, sameStamp, UnitJournal } from "./unit-journal.ts";

export async function sendLargeFile(
  sender: Sender,
  number: number,
  entry: SourceEntry,
): Promise<void> {
  const file = await SourceFile.open(entry);
  let journal: SenderJournal | undefined;
  try {
    const stamp = await file.check();
    journal = await openJournal(sender, entry, stamp).catch(() => undefined);
    const sending = new LargeFile(sender, number, file, journal);
    const root = await sending.run();
    if (root === undefined) return;
    await file.check();
    sender.sentRoot(number, root);
    sender.channel.put(finishRecord(number, root));
    sender.channel.flush();
  } finally {
    await Promise.allSettled([file.close(), journal?.rows.close()]);
  }
}

interface SenderJournal {
  readonly rows: UnitJournal;
  readonly known: ReadonlyMap<number, Uint8Array>;
}

async function openJournal(
  sender: Sender,
  entry: SourceEntry,
  stamp: FileStamp,
): Promise<SenderJournal | undefined> {
  const folder = senderJournalFolder(sender.options);
  if (folder === undefined) return undefined;
  await makeWithParents(folder, 0o700);
  const path = join(folder, `${partName(sender.blake3, entry.path)}.units`);
  const found = await readUnitRows(path);
  if (found !== undefined && sameStamp(found.stamp, stamp)) {
    return { rows: await UnitJournal.resume(path, found.bytes), known: found.hashes };
  }
  return { rows: await UnitJournal.create(path, stamp), known: new Map() };
}

/** Where a transfer's journal is; undefined where none is kept. */
export function senderJournalFolder(options: {
  readonly journal: string | undefined;
  readonly transferId: Uint8Array;
}): string | undefined {
  const { journal, transferId } = options;
  return journal === undefined ? undefined : join(journal, toHex(transferId));
}

class LargeFile {
  readonly #sender: Sender;
  readonly #number: number;
  readonly #file: SourceFile;
  readonly #journal: SenderJournal | undefined;
  readonly #claims: ReadonlyMap<number, Uint8Array>;
  readonly #hashes: Uint8Array;
  readonly #tasks = new Tasks();
  #failure: { readonly error: unknown } | undefined;

  constructor(
    sender: Sender,
    number: number,
    file: SourceFile,
    journal: SenderJournal | undefined,
  ) {
    this.#sender = sender;
    this.#number = number;
    this.#file = file;
    this.#journal = journal;
    this.#claims = sender.claims.of(number);
    this.#hashes = new Uint8Array(HASH_BYTES * unitCount(file.entry.size));
  }

  /** @returns the root, or undefined where the receiver has given the file up */
  async run(): Promise<Uint8Array | undefined> {
    const { size } = this.#file.entry;
    try {
      for (let unit = 0; unit < unitCount(size) && this.#goesOn(); unit++) {
        if (!this.#isKept(unit)) await this.#start(unit);
      }
    } finally {
      await this.#tasks.idle();
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#sender.isSettled(this.#number)) return undefined;
    return fileRoot(this.#sender.blake3, size, this.#hashes);
  }

  #goesOn(): boolean {
    return this.#failure === undefined && !this.#sender.isSettled(this.#number);
  }

  /** The receiver has the unit, and the journal knows that it is still this one. */
  #isKept(unit: number): boolean {
    const claimed = this.#claims.get(unit);
    const known = this.#journal?.known.get(unit);
    if (claimed === undefined || known === undefined || !equalBytes(claimed, known)) return false;
    this.#hashes.set(known, unit * HASH_BYTES);
    return true;
  }

  async #start(unit: number): Promise<void> {
    await this.#sender.unitGate.enter();
    let buffer: Buffer;
    try {
      buffer = await this.#sender.buffer();
    } catch (error) {
      this.#sender.unitGate.leave();
      throw error;
    }
    this.#tasks.run(
      this.#send(unit, buffer).finally(() => this.#sender.unitGate.leave()),
      (error) => {
        this.#failure ??= { error };
        this.#sender.giveBack(buffer);
      },
    );
  }

  async #send(unit: number, buffer: Buffer): Promise<void> {
    const length = unitLength(this.#file.entry.size, unit);
    const content = buffer.subarray(HEADROOM_BYTES, HEADROOM_BYTES + length);
    await this.#file.read(content, unit * UNIT_BYTES);
    const hash = this.#sender.blake3(content);
    this.#hashes.set(hash, unit * HASH_BYTES);
    await this.#journal?.rows.claim(unit, hash).catch(() => undefined);
    const claimed = this.#claims.get(unit);
    if (!this.#goesOn() || (claimed !== undefined && equalBytes(claimed, hash))) {
      this.#sender.giveBack(buffer);
      return;
    }
    if (claimed !== undefined) this.#sender.tally.resentUnit(length);
    const headBytes = RECORD_HEADER_BYTES + UNIT_HEAD_BYTES;
    const bytes = buffer.subarray(HEADROOM_BYTES - headBytes, HEADROOM_BYTES + length);
    putContentHead(bytes, { entry: this.#number, unit, hash }, length);
    await this.#sender.send(buffer, bytes);
    this.#sender.tally.moved(length);
  }
}
