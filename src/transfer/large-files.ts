/** The part files a receiver works on: opened when their first unit comes, closed when complete. */
import { Mp2pError } from "../base/errors.ts";
import { removeIfThere, sync } from "./file-calls.ts";
import { fileError, knownCode } from "./file-error.ts";
import { Gate } from "./gate.ts";
import { type Blake3, partName, UNIT_BYTES, unitLength } from "./hashes.ts";
import type { FitEntry } from "./offer-book.ts";
import { PartFile } from "./part-file.ts";
import { place } from "./place.ts";
import { printable } from "./printable.ts";
import type { ContentReceiver } from "./receive-content.ts";
import { HAVE_HASHES, haveRecord, KIND, type Reason } from "./records.ts";
import { split } from "./target.ts";
import type { Turns } from "./turns.ts";

/** Part files open at once; a sender that interleaves more waits. */
const OPEN_AT_ONCE = 32;

interface Open {
  readonly opening: Promise<PartFile>;
  part?: PartFile;
  /** Writes under way. */
  writes: number;
  /** Wait for the last of them. */
  readonly idle: (() => void)[];
  /** The next arriving unit was claimed. */
  readonly claimed: Set<number>;
}

export class LargeFiles {
  readonly #content: ContentReceiver;
  readonly #blake3: Blake3;
  readonly #open = new Map<number, Open>();
  /** All of their units were sent. */
  readonly #finished = new Set<number>();
  /** A file that was complete before opens when it is finished, and a sender may say so of thousands at once. */
  readonly #finishing = new Gate(OPEN_AT_ONCE);

  constructor(content: ContentReceiver, blake3: Blake3) {
    this.#content = content;
    this.#blake3 = blake3;
  }

  /** Tells the sender what earlier attempts left. @returns its bytes */
  async claim(entries: Iterable<readonly [number, FitEntry]>, turns: Turns): Promise<number> {
    const { inbox, settling, channel } = this.#content;
    let bytes = 0;
    for (const [number, entry] of entries) {
      const turn = turns.after(entry.path.length);
      if (turn !== undefined) await turn;
      if (entry.kind !== KIND.file || entry.size <= UNIT_BYTES || settling.has(number)) continue;
      if (!inbox.parts.has(partName(this.#blake3, entry.path))) continue;
      const part = await PartFile.open(inbox, entry, this.#blake3).catch((error) => {
        settling.failed(number, entry, error);
      });
      if (part === undefined) continue;
      bytes += part.claimedBytes;
      for (const [first, hashes] of part.claimed(HAVE_HASHES)) {
        channel.put(haveRecord(number, first, hashes));
      }
      await part.close();
      await channel.room();
    }
    return bytes;
  }

  /** @returns true where a unit of the file may come now */
  isReady(number: number, entry: FitEntry): true | "wait" | "discard" {
    if (this.#finished.has(number)) return "discard";
    const open = this.#open.get(number);
    if (open?.part !== undefined) return true;
    if (open === undefined) {
      if (this.#open.size >= OPEN_AT_ONCE) return this.#wait();
      const opened = this.#start(number, entry).then(() => this.#content.channel.resume());
      this.#content.tasks.run(opened, (error) => {
        this.#content.fileFailed(number, entry, error);
        this.#content.channel.resume();
      });
    }
    return "wait";
  }

  /** @returns false for a unit that came already */
  expect(number: number, unit: number): boolean {
    const open = this.#open.get(number);
    const expected = open?.part?.expect(unit);
    if (open?.part === undefined || expected === undefined) return false;
    if (expected.claimed) {
      open.claimed.add(unit);
      this.#content.confirming.takeBack(unitLength(open.part.entry.size, unit));
    }
    return true;
  }

  async write(number: number, unit: number, content: Uint8Array, hash: Uint8Array): Promise<void> {
    const open = this.#open.get(number);
    if (open?.part === undefined) return;
    open.writes++;
    try {
      await open.part.write(unit, content, hash, open.claimed.has(unit));
      this.#content.confirming.add(content.length);
    } finally {
      this.#written(open);
    }
  }

  /**
   * All units were sent: waits for those under way, compares and puts the file in its place.
   *
   * @returns false where that was said before
   */
  finish(number: number, entry: FitEntry, root: Uint8Array): boolean {
    if (this.#content.settling.has(number)) return true;
    if (this.#finished.has(number)) return false;
    this.#finished.add(number);
    this.#content.tasks.run(this.#finishInTurn(number, entry, root), (error) =>
      this.#content.fileFailed(number, entry, error),
    );
    return true;
  }

  /** The sender gave a file up. @returns false where it was all sent */
  failed(number: number, reason: Reason): boolean {
    if (this.#content.settling.has(number)) return true;
    if (this.#finished.has(number)) return false;
    const code = knownCode(reason.code);
    this.#content.settling.refuse(number, new Mp2pError(code, printable(reason.why)));
    this.abandon(number);
    return true;
  }

  /** Closes a file that will not be finished now. */
  abandon(number: number): void {
    const open = this.#open.get(number);
    if (open === undefined) return;
    this.#content.tasks.run(this.#release(number, open), () => {});
  }

  async close(): Promise<void> {
    for (const [number, open] of [...this.#open]) await this.#release(number, open);
  }

  async #start(number: number, entry: FitEntry): Promise<Open> {
    const known = this.#open.get(number);
    const open = known ?? {
      opening: PartFile.open(this.#content.inbox, entry, this.#blake3),
      writes: 0,
      idle: [],
      claimed: new Set<number>(),
    };
    this.#open.set(number, open);
    open.part = await open.opening;
    return open;
  }

  #wait(): "wait" | "discard" {
    for (const number of this.#open.keys()) if (this.#finished.has(number)) return "wait";
    const message = `the sender has more than ${OPEN_AT_ONCE} files under way`;
    this.#content.channel.fail(new Mp2pError("MP2P_LIMIT", message));
    return "discard";
  }

  async #finishInTurn(number: number, entry: FitEntry, root: Uint8Array): Promise<void> {
    await this.#finishing.enter();
    try {
      if (!this.#isOver(number)) await this.#finish(number, entry, root);
    } finally {
      this.#finishing.leave();
    }
  }

  #isOver(number: number): boolean {
    const { settling, channel } = this.#content;
    return settling.has(number) || channel.failure !== undefined;
  }

  async #finish(number: number, entry: FitEntry, root: Uint8Array): Promise<void> {
    const open = await this.#start(number, entry);
    const part = open.part as PartFile;
    await this.#idle(open);
    if (this.#isOver(number)) return;
    if (!part.isComplete(this.#blake3, root)) {
      await this.#release(number, open);
      await removeIfThere(part.path);
      await removeIfThere(part.journalPath);
      const message = `${printable(entry.path)} did not arrive as its hash says`;
      throw new Mp2pError("MP2P_INTEGRITY", message, { hint: "Send it again." });
    }
    await part.seal(this.#content.durable);
    await this.#release(number, open);
    await this.#place(number, entry, part, root);
  }

  async #place(number: number, entry: FitEntry, part: PartFile, root: Uint8Array): Promise<void> {
    const { target, inbox, settling } = this.#content;
    const [above, name] = split(entry.path);
    const done = (as: string) => inbox.finished.addFile(entry, root, as);
    const folder = await target.folder(above, 0o777);
    if (folder === undefined) throw fileError(undefined, "MP2P_TARGET", "write", entry.path);
    try {
      const conflict = await this.#content.policy(number);
      const placed = await place(part.path, folder, name, conflict, done);
      if (this.#content.durable && folder.fd !== undefined) await sync(folder.fd);
      await done(placed.name);
      await removeIfThere(part.journalPath);
      settling.placed(number, placed, root);
    } finally {
      folder.release();
    }
  }

  #written(open: Open): void {
    open.writes--;
    if (open.writes === 0) for (const resolve of open.idle.splice(0)) resolve();
  }

  async #idle(open: Open): Promise<void> {
    if (open.writes > 0) await new Promise<void>((resolve) => open.idle.push(resolve));
  }

  async #release(number: number, open: Open): Promise<void> {
    const part = await open.opening.catch(() => undefined);
    await this.#idle(open);
    await part?.close();
    if (this.#open.get(number) === open) this.#open.delete(number);
    this.#content.channel.resume();
  }
}
