/** The sending side of one transfer: offers, sends what the receiver wants, counts what it confirms. */

import { onAbort } from "../base/abort.ts";
import { toHex } from "../base/bytes.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { Mp2pError } from "../base/errors.ts";
import { BufferPool, HEADROOM_BYTES } from "./buffer-pool.ts";
import { Channel } from "./channel.ts";
import { Claims } from "./claims.ts";
import { Gate, Tasks } from "./gate.ts";
import { HASH_BYTES, UNIT_BYTES, unitCount } from "./hashes.ts";
import { namesHere } from "./names.ts";
import { printable } from "./printable.ts";
import type { RecordShape, RecordSink } from "./record-parser.ts";
import * as records from "./records.ts";
import { KIND, RECORD } from "./records.ts";
import type { Emit } from "./running-transfer.ts";
import { sendLargeFile } from "./send-large.ts";
import { sendSmallFile } from "./send-small.ts";
import { TRANSFER_SERVICE, type TransferSession } from "./session.ts";
import { type SourceEntry, type SourceRoot, walk } from "./source-tree.ts";
import { Tally } from "./tally.ts";

const SHAPES: ReadonlyMap<number, RecordShape> = new Map([
  [RECORD.abort, { most: 2048 }],
  [RECORD.accept, { most: 8 }],
  [RECORD.have, { most: 8 + records.HAVE_HASHES * HASH_BYTES }],
  [RECORD.result, { most: 2048 }],
  [RECORD.go, { most: 0 }],
  [RECORD.confirm, { most: 16 }],
  [RECORD.done, { most: 0 }],
]);

/** Files opened at once: 32 keep four file system threads busy. */
const SMALL_AT_ONCE = 32;
const LARGE_AT_ONCE = 2;
/** Units being read and hashed at once. */
const UNITS_AT_ONCE = 8;
/** Buffers wait for the peer to take their bytes: this many MiB may be on the way. */
const BUFFERS = 64;
/** Names in the offer event. */
const NAMES_SHOWN = 100;

export interface SenderOptions {
  readonly transferId: Uint8Array;
  readonly journal: string | undefined;
  readonly portable: boolean | undefined;
}

export class Sender implements RecordSink {
  readonly blake3: (data: Uint8Array) => Uint8Array;
  readonly options: SenderOptions;
  readonly tally: Tally;
  readonly claims: Claims = new Claims();
  readonly unitGate: Gate = new Gate(UNITS_AT_ONCE);
  readonly #session: TransferSession;
  readonly #smallGate: Gate = new Gate(SMALL_AT_ONCE);
  readonly #largeGate: Gate = new Gate(LARGE_AT_ONCE);
  readonly #bufferGate: Gate = new Gate(BUFFERS);
  readonly #pool = new BufferPool(HEADROOM_BYTES + UNIT_BYTES, BUFFERS);
  readonly #tasks = new Tasks();
  readonly #entries: SourceEntry[] = [];
  readonly #settled = new Set<number>();
  readonly #go: Deferred<void> = deferred();
  readonly #done: Deferred<void> = deferred();
  /** Buffers handed over, with the stream offset behind their bytes. */
  readonly #handed: { readonly buffer: Buffer; readonly until: number }[] = [];
  readonly #writing = new Set<() => void>();
  readonly #roots = new Map<number, string>();
  readonly #emit: Emit;
  #channel!: Channel;
  #isAccepted = false;

  constructor(session: TransferSession, options: SenderOptions, emit: Emit) {
    this.#session = session;
    this.blake3 = session.blake3;
    this.options = options;
    this.#emit = emit;
    this.tally = new Tally(emit);
  }

  get channel(): Channel {
    return this.#channel;
  }

  async run(roots: readonly SourceRoot[], signal: AbortSignal | undefined): Promise<void> {
    const service = { service: TRANSFER_SERVICE, ...(signal === undefined ? {} : { signal }) };
    const stream = await this.#session.openStream(service);
    this.#channel = new Channel(stream, this, SHAPES, (error) => this.#ended(error));
    const abort = () => this.#channel.fail(signal?.reason);
    const stopListening = onAbort(signal, abort);
    try {
      await this.#offer(roots);
      await this.#go.promise;
      await this.#sendAll();
      await this.#done.promise;
      this.#channel.finish();
    } catch (error) {
      this.#channel.fail(error);
      throw this.#channel.failure?.error ?? error;
    } finally {
      stopListening();
      await this.#tasks.idle();
    }
  }

  async #offer(roots: readonly SourceRoot[]): Promise<void> {
    this.#channel.put(records.helloRecord(this.options.transferId));
    for await (const batch of walk(roots, namesHere(this.options.portable ?? false))) {
      for (const found of batch) {
        if ("failed" in found) this.tally.refused(found.failed, 0);
        else this.#addEntry(found.entry);
      }
      await this.#channel.room();
      if (this.#channel.failure !== undefined) throw this.#channel.failure.error;
    }
    const { total, filesTotal } = this.tally;
    this.#channel.put(records.offeredRecord(this.#entries.length, total));
    this.#channel.flush();
    const names = this.#entries.slice(0, NAMES_SHOWN).map((entry) => printable(entry.path));
    const peer = this.#session.peer.keyText;
    this.#emit({ type: "offer", peer, files: filesTotal, bytes: total, names });
  }

  #addEntry(entry: SourceEntry): void {
    this.#entries.push(entry);
    if (entry.kind === KIND.file) this.tally.offered(entry.size);
    this.#channel.put(records.entryRecord(entry));
  }

  async #sendAll(): Promise<void> {
    for (const [number, entry] of this.#entries.entries()) {
      if (entry.kind !== KIND.file || this.#settled.has(number)) continue;
      const small = entry.size <= UNIT_BYTES;
      const gate = small ? this.#smallGate : this.#largeGate;
      const wait = gate.enter();
      if (wait !== undefined) await wait;
      const full = this.#channel.room();
      if (full !== undefined) await full;
      if (this.#channel.failure !== undefined) throw this.#channel.failure.error;
      const sending = small
        ? sendSmallFile(this, number, entry)
        : sendLargeFile(this, number, entry);
      this.#tasks.run(
        sending.finally(() => gate.leave()),
        (error) => this.#fileFailed(number, error),
      );
    }
    await this.#tasks.idle();
    this.#channel.put(records.record(RECORD.end));
    this.#channel.flush();
  }

  #fileFailed(number: number, error: unknown): void {
    if (!(error instanceof Mp2pError)) {
      this.#channel.fail(error);
      return;
    }
    this.#channel.put(records.failRecord(number, { code: error.code, why: error.message }));
  }

  isSettled(number: number): boolean {
    return this.#settled.has(number);
  }

  sentRoot(number: number, root: Uint8Array): void {
    this.#roots.set(number, toHex(root));
  }

  /** @throws what ended the transfer */
  async buffer(): Promise<Buffer> {
    await this.#bufferGate.enter();
    return this.#pool.take() as Buffer;
  }

  giveBack(buffer: Buffer): void {
    this.#pool.give(buffer);
    this.#bufferGate.leave();
  }

  /**
   * Resolves when the stream has accepted the bytes, or the transfer has ended.
   *
   * @param bytes - within `buffer`, which is free again when the peer has taken them
   */
  send(buffer: Buffer, bytes: Uint8Array): Promise<void> {
    if (this.#channel.failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#writing.add(resolve);
      this.#channel.putOwned(bytes, () => {
        this.#writing.delete(resolve);
        resolve();
      });
      this.#handed.push({ buffer, until: this.#channel.queued });
    });
  }

  record(type: number, body: Uint8Array): void {
    const understood = this.#understand(type, body);
    if (!understood) this.malformed(`a record of type ${type} that cannot be`);
  }

  content(): "discard" {
    return "discard";
  }

  filled(): void {}

  malformed(why: string): void {
    this.#channel.fail(new Mp2pError("MP2P_PROTOCOL", `the receiver sent ${why}`));
  }

  #understand(type: number, body: Uint8Array): boolean {
    switch (type) {
      case RECORD.abort:
        this.#channel.aborted(records.readReason(body));
        return true;
      case RECORD.accept:
        return this.#accepted(records.readAccept(body));
      case RECORD.have:
        return this.#claimed(records.readHave(body));
      case RECORD.result:
        return this.#result(records.readResult(body));
      case RECORD.confirm:
        return this.#confirmed(records.readConfirm(body));
      case RECORD.go:
        this.#go.resolve();
        return true;
      default:
        return this.#finished();
    }
  }

  #finished(): boolean {
    const hasAll = this.#entries.every(
      (entry, at) => entry.kind !== KIND.file || this.isSettled(at),
    );
    if (hasAll) this.#done.resolve();
    return hasAll;
  }

  #accepted(resumeBytes: number | undefined): boolean {
    if (resumeBytes === undefined || resumeBytes > this.tally.total) return false;
    if (this.#isAccepted) return false;
    this.#isAccepted = true;
    this.tally.started();
    this.tally.resumed(resumeBytes);
    this.#emit({ type: "accept", files: this.tally.filesTotal, resumeBytes });
    return true;
  }

  #claimed(have: ReturnType<typeof records.readHave>): boolean {
    const entry = this.#entries[have?.entry ?? -1];
    if (have === undefined || entry?.kind !== KIND.file) return false;
    return this.claims.add(have.entry, unitCount(entry.size), have.first, have.hashes);
  }

  #result(result: ReturnType<typeof records.readResult>): boolean {
    const entry = this.#entries[result?.entry ?? -1];
    if (result === undefined || entry === undefined || this.#settled.has(result.entry))
      return false;
    this.#settled.add(result.entry);
    this.claims.drop(result.entry);
    const root = this.#roots.get(result.entry);
    this.#roots.delete(result.entry);
    this.tally.settled(entry, result, root);
    return true;
  }

  #confirmed(confirm: ReturnType<typeof records.readConfirm>): boolean {
    if (confirm === undefined || confirm.taken > this.#channel.queued) return false;
    if (confirm.confirmed > this.tally.total) return false;
    let free = 0;
    for (const { buffer, until } of this.#handed) {
      if (until > confirm.taken) break;
      free++;
      this.giveBack(buffer);
    }
    this.#handed.splice(0, free);
    this.tally.confirm(confirm.confirmed);
    return true;
  }

  #ended(error: unknown): void {
    for (const gate of [this.#smallGate, this.#largeGate, this.unitGate, this.#bufferGate]) {
      gate.close(error);
    }
    for (const resolve of this.#writing) resolve();
    this.#go.reject(error);
    this.#done.reject(error);
  }
}
