/** The part of a receiver in which content comes: which file, into which buffer, and what is done. */
import { equalBytes } from "../base/bytes.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { Mp2pError } from "../base/errors.ts";
import { BufferPool } from "./buffer-pool.ts";
import type { Channel } from "./channel.ts";
import { Confirming } from "./confirming.ts";
import { Tasks } from "./gate.ts";
import { type Blake3, fileRoot, HASH_BYTES, UNIT_BYTES, unitCount, unitLength } from "./hashes.ts";
import type { Inbox } from "./inbox.ts";
import { LargeFiles } from "./large-files.ts";
import type { FitEntry } from "./offer-book.ts";
import type { Conflict } from "./place.ts";
import type { Placing } from "./placing.ts";
import type { Receiver } from "./receiver.ts";
import * as records from "./records.ts";
import { KIND, RECORD } from "./records.ts";
import { Settling } from "./settling.ts";
import { writeSmallFile } from "./small-file.ts";
import type { Survey } from "./survey.ts";
import type { Target } from "./target.ts";
import { makeFolders, makeLinks, sealFolders } from "./tree.ts";

/** Units that come in or are being written: what a crash may cost, and the memory of a receiver. */
const BUFFERS = 6;
/** Small files being written at once: keeps four file system threads busy. */
const SMALL_AT_ONCE = 48;
/** Files up to this size do not take a unit's buffer. */
const OWN_BUFFER_BYTES = 64 * 1024;

type Head = ReturnType<typeof records.readContentHead>;

export class ContentReceiver implements Placing {
  readonly settling: Settling;
  readonly target: Target;
  readonly inbox: Inbox;
  readonly survey: Survey;
  readonly channel: Channel;
  readonly confirming: Confirming;
  readonly tasks: Tasks = new Tasks();
  /** Folders made in this attempt. */
  readonly made: Set<string> = new Set();
  readonly #receiver: Receiver;
  readonly #policies: ReadonlyMap<number, Conflict>;
  readonly #pool = new BufferPool(UNIT_BYTES, BUFFERS);
  readonly #end: Deferred<void> = deferred();
  /** The sender was told to go. */
  #going = false;
  #blake3!: Blake3;
  #large!: LargeFiles;
  #small = 0;
  /** Small files that came, so that none comes twice. */
  readonly #came = new Set<number>();
  #arriving: { head: Head; content: Uint8Array; buffer: Buffer | undefined } | undefined;

  constructor(
    receiver: Receiver,
    channel: Channel,
    target: Target,
    inbox: Inbox,
    found: Survey,
    policies: ReadonlyMap<number, Conflict>,
  ) {
    this.#receiver = receiver;
    this.channel = channel;
    this.target = target;
    this.inbox = inbox;
    this.survey = found;
    this.#policies = policies;
    this.settling = new Settling(receiver.book, channel, receiver.tally);
    this.confirming = new Confirming(channel, receiver.tally);
    this.#pool.onFree = () => channel.resume();
  }

  get durable(): boolean {
    return this.#receiver.options.durable;
  }

  /** What to do when the entry's name is taken. */
  async policy(number: number): Promise<Conflict> {
    const { onConflict } = this.#receiver.options;
    const decided = this.#policies.get(number);
    return decided ?? (typeof onConflict === "function" ? "rename" : onConflict);
  }

  async run(blake3: Blake3): Promise<void> {
    this.#blake3 = blake3;
    this.#large = new LargeFiles(this, blake3);
    try {
      await this.#answer();
      await this.#end.promise;
      await this.tasks.idle();
      await this.#refuseMissing();
      await makeLinks(this);
      await sealFolders(this);
      this.#throwIfEnded();
      await this.#clean();
      this.confirming.now();
      this.channel.put(records.record(RECORD.done));
      this.channel.finish();
    } finally {
      await this.tasks.idle();
      await this.#large.close();
    }
  }

  ended(error: unknown): void {
    this.#end.reject(error);
  }

  /** Tells the sender what need not be sent. */
  async #answer(): Promise<void> {
    const { book, tally, turns } = this.#receiver;
    await this.settling.refuseNames(turns);
    let held = 0;
    for (const [number, how] of this.survey.present) {
      if (this.settling.has(number)) continue;
      held += book.entries[number]?.size ?? 0;
      if (how === "kept") this.settling.settle(number, "kept", "");
      else this.settling.settle(number, "skipped", "already there, of the same size and time");
    }
    for (const [number, policy] of this.#policies) {
      if (policy !== "skip" || this.settling.has(number)) continue;
      this.settling.settle(number, "skipped", "another file has this name");
    }
    await makeFolders(this);
    const resumed = held + (await this.#large.claim(book.fit(), turns));
    tally.resumed(resumed);
    this.confirming.add(resumed);
    this.#throwIfEnded();
    this.channel.put(records.acceptRecord(resumed));
    this.confirming.now();
    this.channel.put(records.record(RECORD.go));
    this.#going = true;
  }

  record(type: number, body: Uint8Array): boolean {
    if (!this.#going) return false;
    if (type === RECORD.end) {
      this.#end.resolve();
      return true;
    }
    if (type === RECORD.finish) {
      const finish = records.readFinish(body);
      const entry = this.#file(finish?.entry ?? -1);
      if (finish === undefined || entry === undefined || entry.size <= UNIT_BYTES) return false;
      return this.#large.finish(finish.entry, entry, finish.root);
    }
    const fail = type === RECORD.fail ? records.readFail(body) : undefined;
    if (fail === undefined || this.#file(fail.entry) === undefined) return false;
    return this.#large.failed(fail.entry, fail.reason);
  }

  content(type: number, bytes: Uint8Array, length: number): Uint8Array | "wait" | "discard" {
    if (!this.#going) return this.#broken("content before it was asked for");
    const head = records.readContentHead(type, bytes);
    const entry = this.#file(head.entry);
    const isUnit = type === RECORD.unit;
    if (entry === undefined || isUnit !== entry.size > UNIT_BYTES) return this.#broken("content");
    if (head.unit > 0 && head.unit >= unitCount(entry.size)) return this.#broken("a unit");
    if (length !== unitLength(entry.size, head.unit)) return this.#broken("a length");
    // What was settled here while it was on the way.
    if (this.settling.has(head.entry)) return "discard";
    return isUnit ? this.#unit(head, entry, length) : this.#whole(head, length);
  }

  filled(): void {
    const arrived = this.#arriving;
    this.#arriving = undefined;
    if (arrived === undefined) return;
    const { head, content, buffer } = arrived;
    const entry = this.#file(head.entry) as FitEntry;
    const done = () => {
      if (buffer !== undefined) this.#pool.give(buffer);
      if (entry.size <= UNIT_BYTES) this.#small--;
      this.channel.resume();
    };
    const isEmpty = content.length === 0;
    if (!isEmpty && !equalBytes(this.#blake3(content), head.hash)) {
      this.settling.refuse(head.entry, integrityError(entry));
      this.#large.abandon(head.entry);
      done();
      return;
    }
    this.#receiver.tally.moved(content.length);
    const writing =
      entry.size > UNIT_BYTES
        ? this.#large.write(head.entry, head.unit, content, head.hash)
        : this.#writeSmall(head.entry, entry, content, head.hash);
    this.tasks.run(writing.finally(done), (error) => this.fileFailed(head.entry, entry, error));
  }

  fileFailed(number: number, entry: FitEntry, error: unknown): void {
    this.settling.failed(number, entry, error);
    this.#large.abandon(number);
  }

  #unit(head: Head, entry: FitEntry, length: number): Uint8Array | "wait" | "discard" {
    const ready = this.#large.isReady(head.entry, entry);
    if (ready !== true) return ready;
    const buffer = this.#pool.take();
    if (buffer === undefined) return "wait";
    if (!this.#large.expect(head.entry, head.unit)) {
      this.#pool.give(buffer);
      return this.#broken("a unit twice");
    }
    return this.#into(head, buffer.subarray(0, length), buffer);
  }

  #whole(head: Head, length: number): Uint8Array | "wait" | "discard" {
    if (this.#small >= SMALL_AT_ONCE) return "wait";
    if (this.#came.has(head.entry)) return this.#broken("a file twice");
    const buffer = length > OWN_BUFFER_BYTES ? this.#pool.take() : undefined;
    if (buffer === undefined && length > OWN_BUFFER_BYTES) return "wait";
    this.#came.add(head.entry);
    this.#small++;
    return this.#into(head, buffer?.subarray(0, length) ?? Buffer.allocUnsafe(length), buffer);
  }

  #into(head: Head, content: Uint8Array, buffer: Buffer | undefined): Uint8Array {
    this.#arriving = { head, content, buffer };
    return content;
  }

  async #writeSmall(
    number: number,
    entry: FitEntry,
    content: Uint8Array,
    hash: Uint8Array,
  ): Promise<void> {
    const hashes = content.length === 0 ? content : hash.subarray(0, HASH_BYTES);
    const root = fileRoot(this.#blake3, entry.size, hashes);
    const placed = await writeSmallFile(this, number, entry, content, root);
    this.confirming.add(entry.size);
    this.settling.placed(number, placed, root);
  }

  #file(number: number): FitEntry | undefined {
    const entry = this.#receiver.book.entries[number];
    return entry?.kind === KIND.file ? (entry as FitEntry) : undefined;
  }

  async #refuseMissing(): Promise<void> {
    const { book, turns } = this.#receiver;
    for (const [number, entry] of book.fit()) {
      const turn = turns.after(entry.path.length);
      if (turn !== undefined) await turn;
      if (entry.kind !== KIND.file || this.settling.has(number)) continue;
      this.settling.refuse(number, new Mp2pError("MP2P_PROTOCOL", "the sender never sent it"));
    }
  }

  /** What is unfinished stays for the next attempt. */
  async #clean(): Promise<void> {
    if (this.settling.hasUnfinished) return;
    await this.#large.close();
    await this.inbox.remove();
  }

  #broken(what: string): "discard" {
    this.#receiver.malformed(`${what} that cannot be`);
    return "discard";
  }

  #throwIfEnded(): void {
    if (this.channel.failure !== undefined) throw this.channel.failure.error;
  }
}

function integrityError(entry: FitEntry): Mp2pError {
  const message = `${entry.path} arrived with other content than its hash says`;
  return new Mp2pError("MP2P_INTEGRITY", message, { hint: "Send it again." });
}
