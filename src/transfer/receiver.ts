/** The receiving side of one transfer: takes the offer, decides, and hands the content on. */

import type { Duplex } from "node:stream";
import { onAbort } from "../base/abort.ts";
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
import { decide, describe, type Offering, policiesFor } from "./offer-decision.ts";
import type { Conflict } from "./place.ts";
import { ContentReceiver } from "./receive-content.ts";
import type { RecordShape, RecordSink } from "./record-parser.ts";
import * as records from "./records.ts";
import { KIND, RECORD } from "./records.ts";
import type { Emit } from "./running-transfer.ts";
import type { TransferSession } from "./session.ts";
import { type Existing, survey } from "./survey.ts";
import { Tally } from "./tally.ts";
import type { Target } from "./target.ts";
import { Turns } from "./turns.ts";

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

/** How long the names of an offer may be on average, and all together in any case. */
const NAME_UNITS = 256;
const NAME_UNITS_LEAST = 1 << 20;
/** Some system's file system does each. */
const FOLDS_ALL = { caseless: true, normalising: true };
/** How long a finished receiver waits for the sender to have read so: networks are gone for ten seconds. */
const FAREWELL_MS = 15_000;

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
  readonly turns: Turns = new Turns(() => this.#check());
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
    const stopListening = onAbort(signal, abort);
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
      stopListening();
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
    const { book } = this;
    if (
      book.entries.length + book.implied > entries ||
      book.bytes > bytes ||
      book.nameUnits > Math.max(NAME_UNITS_LEAST, NAME_UNITS * entries)
    ) {
      const message = `the offer is larger than ${entries} entries of ordinary names or ${bytes} bytes`;
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
      const found = await survey(this.book, target, inbox, this.#session.blake3, this.turns);
      const offer = await describe(this.#offering(), target, found);
      await decide(offer, found, this.options.accept, this.#emit);
      this.#check();
      inbox ??= (await Inbox.open(target, name, boot, true)) as Inbox;
      const folding = await inbox.probe();
      await this.book.refuseCollisions(this.options.portable ? FOLDS_ALL : folding, this.turns);
      const policies = await policiesFor(found, this.options.onConflict, () => this.#check());
      this.#emit({ type: "accept", files: offer.files, resumeBytes: found.resumeBytes });
      this.tally.started();
      this.#content = new ContentReceiver(this, this.#channel, target, inbox, found, policies);
      await this.#content.run(this.#session.blake3);
    } finally {
      await inbox?.close();
    }
  }

  #offering(): Offering {
    const transferId = this.#transferId as Uint8Array;
    return { peer: this.#session.peer, transferId, book: this.book };
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
