/** The receiving side of one transfer: takes the offer, decides, and hands the content on. */
import { statfs } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { toHex } from "../base/bytes.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { Mp2pError } from "../base/errors.ts";
import { bootId } from "./boot-id.ts";
import { Channel } from "./channel.ts";
import type { Offer } from "./events.ts";
import { alone } from "./exclusive.ts";
import { inboxName, UNIT_BYTES } from "./hashes.ts";
import { Inbox } from "./inbox.ts";
import { namesHere } from "./names.ts";
import { OfferBook } from "./offer-book.ts";
import type { Conflict } from "./place.ts";
import { printable } from "./printable.ts";
import { ContentReceiver } from "./receive-content.ts";
import type { RecordShape, RecordSink } from "./record-parser.ts";
import * as records from "./records.ts";
import { KIND, RECORD } from "./records.ts";
import type { Emit } from "./running-transfer.ts";
import type { TransferSession } from "./session.ts";
import { type Existing, type Survey, survey } from "./survey.ts";
import { Tally } from "./tally.ts";
import type { Target } from "./target.ts";

const SHAPES: ReadonlyMap<number, RecordShape> = new Map<number, RecordShape>([
  [RECORD.hello, { most: 64 }],
  [RECORD.entry, { most: 2 * 65_536 - 1 }],
  [RECORD.offered, { most: 12 }],
  [RECORD.file, { most: records.FILE_HEAD_BYTES, content: UNIT_BYTES }],
  [RECORD.unit, { most: records.UNIT_HEAD_BYTES, content: UNIT_BYTES }],
  [RECORD.finish, { most: 36 }],
  [RECORD.fail, { most: 2048 }],
  [RECORD.end, { most: 0 }],
  [RECORD.abort, { most: 2048 }],
]);

/** Some system's file system does each. */
const FOLDS_ALL = { caseless: true, normalising: true };
const NAMES_SHOWN = 100;
/** How long a finished receiver waits for the sender to have read so. */
const FAREWELL_MS = 3000;

export interface ReceiverOptions {
  readonly accept: "all" | ((offer: Offer) => boolean | Promise<boolean>);
  readonly onConflict: Conflict | ((existing: Existing) => Conflict | Promise<Conflict>);
  readonly durable: boolean;
  readonly portable: boolean | undefined;
  readonly limits: { readonly entries: number; readonly bytes: number };
}

export class Receiver implements RecordSink {
  readonly tally: Tally;
  readonly options: ReceiverOptions;
  readonly book: OfferBook;
  readonly #session: TransferSession;
  readonly #emit: Emit;
  readonly #offered: Deferred<Uint8Array> = deferred();
  #transferId: Uint8Array | undefined;
  #channel!: Channel;
  /** Set once content may come. */
  #content: ContentReceiver | undefined;
  #isOffered = false;

  constructor(session: TransferSession, options: ReceiverOptions, emit: Emit) {
    this.#session = session;
    this.options = options;
    this.#emit = emit;
    this.tally = new Tally(emit);
    this.book = new OfferBook(namesHere(options.portable));
  }

  async run(stream: Duplex, target: Target, signal: AbortSignal | undefined): Promise<void> {
    this.#channel = new Channel(stream, this, SHAPES, (error) => this.#ended(error));
    const abort = () => this.#channel.fail(signal?.reason);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    try {
      const transferId = await this.#offered.promise;
      const name = inboxName(this.#session.blake3, this.#session.peer.key, transferId);
      const end = (error: Mp2pError) => this.#channel.fail(error);
      await alone(`${target.directory}\0${name}`, end, () => this.#receive(target, name));
      await farewell(stream);
    } catch (error) {
      this.#channel.fail(error);
      throw this.#channel.failure?.error ?? error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  record(type: number, body: Uint8Array): void {
    if (!this.#understand(type, body)) this.malformed(`a record of type ${type} that cannot be`);
  }

  content(type: number, head: Uint8Array, bytes: number): Uint8Array | "wait" | "discard" {
    if (this.#content !== undefined) return this.#content.content(type, head, bytes);
    this.malformed("content before it was asked for");
    return "discard";
  }

  filled(): void {
    this.#content?.filled();
  }

  malformed(why: string): void {
    this.#channel.fail(new Mp2pError("MP2P_PROTOCOL", `the sender sent ${why}`));
  }

  #understand(type: number, body: Uint8Array): boolean {
    if (type === RECORD.abort) {
      this.#channel.aborted(records.readReason(body));
      return true;
    }
    if (this.#content !== undefined) return this.#content.record(type, body);
    if (this.#isOffered) return false;
    if (type === RECORD.hello) return this.#hello(records.readHello(body));
    if (this.#transferId === undefined) return false;
    if (type === RECORD.entry) return this.#entry(records.readEntry(body));
    return type === RECORD.offered && this.#complete(records.readOffered(body));
  }

  #hello(hello: ReturnType<typeof records.readHello>): boolean {
    if (hello === undefined || this.#transferId !== undefined) return false;
    if (hello.version !== records.VERSION) {
      const message = `the sender speaks version ${hello.version} of transfer, this is version ${records.VERSION}`;
      this.#channel.fail(new Mp2pError("MP2P_VERSION", message));
    }
    this.#transferId = hello.transferId;
    return true;
  }

  #entry(entry: records.Entry | undefined): boolean {
    if (entry === undefined) return false;
    const { entries, bytes } = this.options.limits;
    this.book.add(entry);
    if (entry.kind === KIND.file) this.tally.offered(entry.size);
    if (this.book.entries.length > entries || this.book.bytes > bytes) {
      const message = `the offer is larger than ${entries} entries or ${bytes} bytes`;
      this.#channel.fail(new Mp2pError("MP2P_LIMIT", message, { hint: "Send it in parts." }));
    }
    return true;
  }

  #complete(offered: ReturnType<typeof records.readOffered>): boolean {
    if (offered === undefined || this.#transferId === undefined) return false;
    const { entries, bytes } = this.book;
    if (offered.entries !== entries.length || offered.bytes !== bytes) return false;
    this.#isOffered = true;
    this.#offered.resolve(this.#transferId);
    return true;
  }

  async #receive(target: Target, name: string): Promise<void> {
    this.#check();
    const boot = await bootId();
    let inbox = await Inbox.open(target, name, boot, false);
    try {
      const found = await survey(this.book, target, inbox, this.#session.blake3);
      await this.#decide(target, found);
      this.#check();
      inbox ??= (await Inbox.open(target, name, boot, true)) as Inbox;
      const folding = await inbox.probe();
      this.book.refuseCollisions(this.options.portable ? FOLDS_ALL : folding);
      const policies = await this.#policies(found);
      this.#content = new ContentReceiver(this, this.#channel, target, inbox, found, policies);
      await this.#content.run(this.#session.blake3);
    } finally {
      await inbox?.close();
    }
  }

  async #decide(target: Target, found: Survey): Promise<void> {
    const { bavail, bsize } = await statfs(target.directory);
    const offer = this.#describe(found, bavail * bsize);
    const { peer, files, bytes, names } = offer;
    this.#emit({ type: "offer", peer: peer.keyText, files, bytes, names });
    const needed = bytes - found.resumeBytes;
    if (needed > offer.freeBytes) {
      const message = `the receiver has ${offer.freeBytes} bytes free, ${needed} are needed`;
      throw new Mp2pError("MP2P_DISK_FULL", message, {
        hint: "Free some space on the receiver, or receive into another folder.",
      });
    }
    const { accept } = this.options;
    if (accept !== "all" && !(await accept(offer))) {
      throw new Mp2pError("MP2P_REFUSED", "the receiver declined the offer");
    }
    this.#check();
    this.#emit({ type: "accept", files, resumeBytes: found.resumeBytes });
  }

  #describe(found: Survey, freeBytes: number): Offer {
    const counts = { [KIND.file]: 0, [KIND.folder]: 0, [KIND.link]: 0 };
    const names: string[] = [];
    for (const { kind, path } of this.book.entries) {
      counts[kind]++;
      if (names.length < NAMES_SHOWN) names.push(printable(path ?? "a name that is not UTF-8"));
    }
    const refused = [...this.book.refused].slice(0, NAMES_SHOWN).map(([number, why]) => {
      const name = printable(this.book.entries[number]?.path ?? "");
      return { name, code: "MP2P_NAME" as const, why };
    });
    const taken = [...found.conflicts.values()].slice(0, NAMES_SHOWN);
    return {
      peer: this.#session.peer,
      transferId: toHex(this.#transferId as Uint8Array),
      files: counts[KIND.file],
      folders: counts[KIND.folder],
      links: counts[KIND.link],
      bytes: this.book.bytes,
      names,
      refused,
      conflicts: {
        files: found.conflicts.size,
        names: taken.map(({ name }) => printable(name)),
      },
      resumeBytes: found.resumeBytes,
      freeBytes,
    };
  }

  /** Asks once for each file whose name is taken. */
  async #policies(found: Survey): Promise<Map<number, Conflict>> {
    const policies = new Map<number, Conflict>();
    for (const number of found.damaged) policies.set(number, "overwrite");
    const { onConflict } = this.options;
    for (const [number, existing] of found.conflicts) {
      const ask = typeof onConflict === "function";
      policies.set(number, ask ? await onConflict(existing) : onConflict);
      this.#check();
    }
    return policies;
  }

  #check(): void {
    if (this.#channel.failure !== undefined) throw this.#channel.failure.error;
  }

  #ended(error: unknown): void {
    this.#offered.reject(error);
    this.#content?.ended(error);
  }
}

/** Resolves when the sender has everything this side said, is gone, or takes too long. */
async function farewell(stream: Duplex): Promise<void> {
  if (stream.writableFinished || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, FAREWELL_MS);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    stream.once("finish", done);
    stream.once("close", done);
  });
}
