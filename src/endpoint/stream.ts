/** A reliable, ordered stream of a session as a Node Duplex. */
import { Duplex, type DuplexOptions } from "node:stream";
import { Mp2pError } from "../base/errors.ts";
import { SparseSet } from "../base/sparse.ts";
import { oneWay, refuseAnswers } from "./one-way.ts";

/**
 * What Node keeps of a stream in each direction, beside the session's own buffers. Its default of 64 KiB would
 * cost a turn of the event loop per burst, but a peer may open streams by the thousand, and stop.
 */
const HIGH_WATER_BYTES = { least: 64 * 1024, most: 1024 * 1024, ofAll: 16 * 1024 * 1024 };

/** What a stream needs of its session. */
export interface StreamLink {
  /**
   * @param lent - they stay as they are until the peer has them
   * @returns bytes taken; fewer than given where the send buffer is full
   */
  write(bytes: Uint8Array, lent: boolean): number;
  finish(): void;
  /** The next bytes in order, owned by the caller; undefined where there are none yet. */
  read(): Uint8Array | undefined;
  /** Bytes go to `sink`, borrowed for the call, until it returns false; the next `consume` goes on. */
  consume(sink: (bytes: Uint8Array) => boolean): void;
  /** All bytes up to the peer's end were read. */
  ended(): boolean;
  reset(code: number): void;
  stop(code: number): void;
  /** The stream is destroyed: nothing more is to be delivered. */
  released(): void;
}

export interface StreamOptions {
  readonly id: number;
  readonly service: string;
  readonly readable: boolean;
  readonly writable: boolean;
  /** Bytes that came before the Duplex existed. */
  readonly head?: Uint8Array;
  /** How many streams the session has, this one among them. */
  readonly streams: number;
}

/** @returns a promise to be waited for before more bytes come; anything else is nothing to wait for */
export type Consumer = (bytes: Uint8Array) => unknown;

/**
 * A stream between two endpoints. `end()` ends only this direction; the write side finishes when the
 * peer's engine has acknowledged every byte, so `pipeline()` resolving means delivered to the peer
 * machine. `destroy()` tells the peer to stop in both directions.
 *
 * A session that ends takes its streams with it: they are destroyed with the session's error if
 * somebody listens for `error`, and quietly otherwise, so that no process dies of a lost peer. In the same
 * way ends a stream that the peer made `unidirectional` where it is answered: look at `writable` before.
 */
export class Stream extends Duplex {
  /** Number of this stream in its session; bit 0: who opened it, bit 1: unidirectional. */
  readonly id: number;
  /** Name of what this stream is for; empty for the program's own. */
  readonly service: string;
  /** Why the session or the peer ended this stream before its time. */
  failure: Mp2pError | undefined;
  readonly #link: StreamLink;
  readonly #sides: { readonly readable: boolean; readonly writable: boolean };
  #head: Uint8Array | undefined;
  /** What its session left behind; nothing comes after it. */
  #rest: Uint8Array[] | undefined;
  #wanted = false;
  #ended = false;
  /** Written by `lend`, and not yet with the engine. */
  readonly #lent = new SparseSet<Uint8Array>();
  #unsent: { bytes: Uint8Array; done: (error?: Error | null) => void } | undefined;
  #finished: ((error?: Error | null) => void) | undefined;
  #acknowledged = false;
  #stopped: Mp2pError | undefined;
  #consumer: Consumer | undefined;

  private constructor(link: StreamLink, options: StreamOptions) {
    super(duplexOptions(options));
    this.#link = link;
    this.#sides = options;
    this.id = options.id;
    this.service = options.service;
    this.#head = options.head?.length ? options.head : undefined;
    this.once("end", () => this.#destroyIfDone());
    this.once("finish", () => this.#destroyIfDone());
    if (!options.writable) refuseAnswers(this, () => this.fail(oneWay()));
  }

  /** @internal sessions make streams */
  static make(link: StreamLink, options: StreamOptions): Stream {
    return new Stream(link, options);
  }

  override _read(): void {
    this.#wanted = true;
    this.onReadable();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const taken = this.#stopped === undefined ? this.#give(chunk) : 0;
    if (this.#stopped === undefined && taken === chunk.length) {
      done();
      return;
    }
    this.#unsent = { bytes: chunk.subarray(taken), done };
    if (this.#stopped !== undefined) this.fail(this.#stopped);
  }

  /** @returns how many bytes the engine took */
  #give(bytes: Uint8Array): number {
    const taken = this.#link.write(bytes, this.#lent.has(bytes));
    if (taken === bytes.length) this.#lent.delete(bytes);
    return taken;
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#stopped === undefined) this.#link.finish();
    if (this.#acknowledged && this.#stopped === undefined) {
      done();
      return;
    }
    this.#finished = done;
    const stopped = this.#stopped;
    // Node takes down whom `end` calls back after this.
    if (stopped !== undefined) queueMicrotask(() => this.fail(stopped));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { writableFinished, readableEnded } = this;
    if (!writableFinished && !this.#acknowledged) this.#link.reset(0);
    if (!readableEnded && !this.#ended) this.#link.stop(0);
    this.#lent.clear();
    this.#link.released();
    this.#abandon(error ?? this.failure ?? destroyedHere());
    done(error);
  }

  /** Node's Duplex calls back those who wrote, or ended, only through the call that is under way. */
  #abandon(why: Error): void {
    this.#unsent?.done(why);
    this.#unsent = undefined;
    this.#finished?.(why);
    this.#finished = undefined;
  }

  /**
   * The fastest way to write: as `write`, but the bytes go from where they lie, without a copy.
   *
   * @param bytes - must stay as they are until the peer has them, of which only its own word tells:
   * `written` comes when they may leave
   */
  lend(bytes: Uint8Array, written?: (error?: Error | null) => void): boolean {
    const { buffer, byteOffset, length } = bytes;
    const chunk = Buffer.from(buffer, byteOffset, length);
    this.#lent.add(chunk);
    return this.write(chunk, written);
  }

  /**
   * The fastest way to read: bytes are handed over as they come off the network, borrowed until
   * `take` returns, without a copy and without garbage. Instead of `data` events, `read()` or a
   * loop, and before any of them; `end` still comes.
   *
   * @param take - returns a promise where no more bytes are wanted until it settles; what it throws,
   * or rejects with, destroys the stream
   * @throws {TypeError} where reading has begun, or there is nothing to read: of a stream only this side writes
   */
  consume(take: Consumer): void {
    if (typeof take !== "function") throw new TypeError("what takes the bytes is a function");
    if (!this.#sides.readable) throw new TypeError("only this side writes to this stream");
    if (this.#wanted || this.readableFlowing !== null) throw new TypeError("reading has begun");
    this.#consumer = take;
    this.resume();
    const head = this.#head;
    this.#head = undefined;
    if (head === undefined || this.#pour(head)) this.#proceed();
  }

  #proceed(): void {
    this.#link.consume((bytes) => this.#pour(bytes));
    this.onReadable();
  }

  /** @returns whether more bytes are wanted at once */
  #pour(bytes: Uint8Array): boolean {
    if (this.destroyed || this.#consumer === undefined) return false;
    try {
      const pending = this.#consumer(bytes);
      if (!isPromise(pending)) return true;
      pending.then(() => this.#proceed()).catch((error) => this.#refused(error));
    } catch (error) {
      this.#refused(error);
    }
    return false;
  }

  /** Who takes the bytes threw. Nothing thrown is an error too. */
  #refused(error: unknown): void {
    this.destroy(error instanceof Error ? error : new Error(`consume() failed: ${error}`));
  }

  /** @internal the engine has bytes, or the end. */
  onReadable(): void {
    while (this.#wanted && !this.#ended) {
      const chunk = this.#consumer === undefined ? this.#next() : undefined;
      this.#head = undefined;
      if (chunk === undefined) {
        if (this.#rest !== undefined || this.#link.ended()) {
          this.#ended = true;
          this.push(null);
        }
        return;
      }
      this.#wanted = this.push(chunk);
    }
  }

  #next(): Uint8Array | undefined {
    return this.#head ?? (this.#rest === undefined ? this.#link.read() : this.#rest.shift());
  }

  /**
   * @internal the session has ended. Who has sent everything, and was sent everything, can still read it.
   *
   * @param rest - what was not read yet; undefined where that is not all
   * @returns false where the stream is unfinished
   */
  outlives(rest: Uint8Array[] | undefined): boolean {
    const isWritten = this.#acknowledged || !this.#sides.writable;
    if (!isWritten || this.#consumer !== undefined) return false;
    if (this.#ended) return true;
    if (rest === undefined) return false;
    this.#rest = rest;
    this.onReadable();
    return true;
  }

  /** @internal the send buffer has room. */
  onWritable(): void {
    const unsent = this.#unsent;
    if (unsent === undefined) return;
    const taken = this.#give(unsent.bytes);
    if (taken < unsent.bytes.length) {
      if (taken > 0) unsent.bytes = unsent.bytes.subarray(taken);
      return;
    }
    this.#unsent = undefined;
    unsent.done();
  }

  /** @internal every byte and the end were acknowledged. */
  onFinished(): void {
    this.#acknowledged = true;
    this.#finished?.();
    this.#finished = undefined;
  }

  /** @internal the peer reads no more; what it sends can still be read. */
  onStopped(failure: Mp2pError): void {
    this.#stopped = failure;
    const writing = this.#unsent !== undefined || this.#finished !== undefined;
    if (writing || !this.readable) this.fail(failure);
  }

  /** @internal the session or the peer ended this stream before its time. */
  fail(failure: Mp2pError): void {
    this.failure = failure;
    this.destroy(this.#isListenedTo() ? failure : undefined);
  }

  /** `source.pipe(stream)` listens, once for each `unpipe`, and throws what it hears where it is alone. */
  #isListenedTo(): boolean {
    return this.listenerCount("error") > this.listenerCount("unpipe");
  }

  /** Node's autoDestroy would end the write side as well once a `for await` loop has read all. */
  #destroyIfDone(): void {
    const read = this.readableEnded || !this.#sides.readable;
    const written = this.writableFinished || !this.#sides.writable;
    if (read && written) this.destroy();
  }
}

function destroyedHere(): Mp2pError {
  return new Mp2pError("MP2P_CLOSED", "the stream was destroyed before the peer had everything");
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof Object(value).then === "function" && typeof Object(value).catch === "function";
}

/** `readable` and `writable` are options of Duplex that its types leave out. */
function duplexOptions({ readable, writable, streams }: StreamOptions): DuplexOptions {
  const { least, most, ofAll } = HIGH_WATER_BYTES;
  const bytes = Math.max(least, Math.min(most, Math.floor(ofAll / streams)));
  const sides = { readable, writable, allowHalfOpen: true, autoDestroy: false };
  return { ...sides, readableHighWaterMark: bytes, writableHighWaterMark: bytes };
}
