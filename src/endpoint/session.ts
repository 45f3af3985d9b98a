/** A session with one peer, as programs see it. */
import { EventEmitter } from "node:events";
import { type Deferred, deferred } from "../base/deferred.ts";
import { SparseMap } from "../base/sparse.ts";
import { toZbase32 } from "../base/zbase32.ts";
import { rungOf } from "../path/ladder.ts";
import { CLOSE_CODE } from "../session/close-codes.ts";
import { abortable } from "./abort.ts";
import { AsyncQueue } from "./async-queue.ts";
import { type CloseReason, closeError, closeReason } from "./close-reason.ts";
import { endStreams, streamError } from "./end-streams.ts";
import { ServiceReader, servicePrefix } from "./service.ts";
import type { PathInfo, SessionHost, SessionStats } from "./session-host.ts";
import type { RecordEvent, SessionRecord } from "./session-record.ts";
import { Stream, type StreamLink } from "./stream.ts";

/** Datagrams kept for a program that does not read them; older ones are dropped first. */
const MAX_DATAGRAMS = 1024;

export interface OpenStreamOptions {
  /** What the stream is for; the peer refuses names it does not know. Default: the program's own, "". */
  readonly service?: string;
  /** 0 (first) to 7 (last); default 3. Lower numbers are sent before higher ones. */
  readonly priority?: number;
  /** Only this side writes. */
  readonly unidirectional?: boolean;
  readonly signal?: AbortSignal;
}

export interface SessionEvents {
  path: [path: PathInfo];
  close: [reason: CloseReason];
}

export class Session extends EventEmitter<SessionEvents> implements AsyncDisposable {
  /** Whether this endpoint dialled. */
  readonly dialled: boolean;
  /** Settles when the session is over; never rejects. */
  readonly closed: Promise<CloseReason>;
  /** BLAKE3 of the backend, 32 bytes: file transfer hashes with it. */
  readonly blake3: (data: Uint8Array) => Uint8Array;
  readonly #record: SessionRecord;
  readonly #host: SessionHost;
  readonly #streams = new SparseMap<number, Stream>();
  readonly #nameless = new SparseMap<number, ServiceReader>();
  /** Made when the first stream of a service comes or is asked for. */
  readonly #incoming = new SparseMap<string, AsyncQueue<Stream>>();
  readonly #datagrams = new AsyncQueue<Uint8Array>(MAX_DATAGRAMS);
  readonly #closed: Deferred<CloseReason> = deferred();
  #streamCredit: Deferred<void>[] = [];
  #reason: CloseReason | undefined;
  #viaOffer = false;

  /** @internal endpoints make sessions */
  constructor(record: SessionRecord, host: SessionHost, dialled: boolean) {
    super();
    this.#record = record;
    this.#host = host;
    this.dialled = dialled;
    this.blake3 = host.blake3;
    this.closed = this.#closed.promise;
    record.listener = (event) => this.#onEvent(event);
  }

  /** Who is at the other end, proved by the handshake. */
  get peer(): { readonly key: Uint8Array; readonly keyText: string } {
    const { key } = this.#record.peer;
    return { key, keyText: toZbase32(key) };
  }

  /** Whether the peer came in by the token of an offer ticket. */
  get offer(): boolean {
    return this.#viaOffer;
  }

  /** The path in use: which rung of the ladder, how far, and why this one. */
  get path(): PathInfo {
    const { address, why } = this.#record;
    const kind = rungOf(address);
    const rttMs = this.#record.engine.stats().rttMs;
    return { kind, address, rttMs, why };
  }

  stats(): SessionStats {
    return { ...this.#record.engine.stats(), path: this.path, backend: this.#host.backendName };
  }

  /**
   * Opens a stream; waits where the peer's limit of open streams is reached.
   *
   * @throws {Mp2pError} the reason the session ended, or the signal's reason
   */
  async openStream(options: OpenStreamOptions = {}): Promise<Stream> {
    const { service = "", unidirectional = false, priority = 3, signal } = options;
    const prefix = servicePrefix(service);
    signal?.throwIfAborted();
    for (;;) {
      this.throwIfClosed();
      const id = this.#record.engine.openStream({ unidirectional, priority }, this.#host.now());
      if (id !== undefined) {
        const stream = this.#attach(id, service, { readable: !unidirectional, writable: true });
        this.#record.engine.write(id, prefix, this.#host.now());
        this.#changed();
        return stream;
      }
      const credit = deferred<void>();
      this.#streamCredit.push(credit);
      await abortable(credit.promise, signal);
    }
  }

  /**
   * Streams the peer opens for one service, each once, shared by all loops over the same service.
   * Ends with the session.
   *
   * @throws {TypeError} for a service the endpoint was not opened with
   */
  streams(service = ""): AsyncIterable<Stream> {
    const queue = this.#queueOf(service);
    if (queue === undefined) {
      throw new TypeError(
        `service ${JSON.stringify(service)} is not among the endpoint's services`,
      );
    }
    return queue;
  }

  /** Sends an unreliable datagram. @returns false where it is too large or the queue is full. */
  send(bytes: Uint8Array): boolean {
    this.throwIfClosed();
    const taken = this.#record.engine.sendDatagram(bytes, this.#host.now());
    this.#changed();
    return taken;
  }

  /** Datagrams from the peer; at most 1,024 wait to be read. Ends with the session. */
  datagrams(): AsyncIterable<Uint8Array> {
    return this.#datagrams;
  }

  /** Ends the session; streams still open are cut off. Resolves when the peer knows or was told thrice. */
  async close(options: { readonly code?: number; readonly reason?: string } = {}): Promise<void> {
    if (this.#reason === undefined) {
      const { code = CLOSE_CODE.NONE, reason = "" } = options;
      this.#record.engine.close(code, reason, this.#host.now());
      this.#changed();
    }
    await this.#closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal the peer showed the token of an offer ticket. */
  admittedByOffer(): void {
    this.#viaOffer = true;
  }

  /** @internal */
  throwIfClosed(): void {
    if (this.#reason !== undefined) throw closeError(this.#reason);
  }

  #changed(): void {
    this.#host.changed(this.#record);
  }

  /** @returns undefined for a service the endpoint was not opened with */
  #queueOf(service: string): AsyncQueue<Stream> | undefined {
    let queue = this.#incoming.get(service);
    if (queue === undefined && this.#host.services.includes(service)) {
      queue = new AsyncQueue();
      if (this.#reason !== undefined) queue.end();
      this.#incoming.set(service, queue);
    }
    return queue;
  }

  #onEvent(event: RecordEvent): void {
    switch (event.kind) {
      case "stream":
        this.#nameless.set(event.stream, new ServiceReader());
        break;
      case "readable":
        if (this.#nameless.has(event.stream)) this.#readName(event.stream);
        this.#streams.get(event.stream)?.onReadable();
        break;
      case "writable":
        this.#streams.get(event.stream)?.onWritable();
        break;
      case "finished":
        this.#streams.get(event.stream)?.onFinished();
        break;
      case "reset":
      case "stopped":
        this.#endStream(event.stream, event.code, event.kind);
        break;
      case "streams":
        for (const credit of this.#streamCredit.splice(0)) credit.resolve();
        break;
      case "datagram":
        this.#datagrams.push(event.bytes);
        break;
      case "path":
        this.emit("path", this.path);
        break;
      case "closed":
        this.#end(closeReason(event));
        break;
    }
  }

  #readName(id: number): void {
    const reader = this.#nameless.get(id) as ServiceReader;
    for (;;) {
      const chunk = this.#record.engine.read(id);
      const named = chunk === undefined ? undefined : reader.push(chunk);
      if (named === undefined) {
        if (chunk !== undefined) continue;
        if (this.#record.engine.ended(id)) this.#nameless.delete(id);
        return;
      }
      this.#nameless.delete(id);
      if (named === null || !this.#offer(id, named.name, named.rest)) this.#refuse(id);
      return;
    }
  }

  /** Hands a named stream to whom it is for. @returns false where nobody knows the service. */
  #offer(id: number, service: string, head: Uint8Array): boolean {
    const queue = this.#queueOf(service);
    const internal = this.#host.internalService(service);
    if (queue === undefined && internal === undefined) return false;
    const writable = (id & 2) === 0;
    const stream = this.#attach(id, service, { readable: true, writable, head });
    if (internal !== undefined) internal(this, stream);
    else queue?.push(stream);
    return true;
  }

  #refuse(id: number): void {
    const { engine } = this.#record;
    const now = this.#host.now();
    engine.stop(id, CLOSE_CODE.NO_SUCH_SERVICE, now);
    if ((id & 2) === 0) engine.reset(id, CLOSE_CODE.NO_SUCH_SERVICE, now);
    this.#changed();
  }

  #attach(
    id: number,
    service: string,
    sides: { readonly readable: boolean; readonly writable: boolean; readonly head?: Uint8Array },
  ): Stream {
    const stream = new Stream(this.#link(id), { id, service, ...sides });
    this.#streams.set(id, stream);
    return stream;
  }

  #link(id: number): StreamLink {
    const { engine } = this.#record;
    const now = () => this.#host.now();
    const act = <T>(result: T): T => {
      this.#changed();
      return result;
    };
    const live = () => this.#reason === undefined;
    return {
      write: (bytes) => (live() ? act(engine.write(id, bytes, now())) : 0),
      finish: () => live() && act(engine.finish(id, now())),
      read: () => (live() ? act(engine.read(id)) : undefined),
      consume: (sink) => live() && act(engine.consume(id, sink)),
      ended: () => live() && engine.ended(id),
      reset: (code) => live() && act(engine.reset(id, code, now())),
      stop: (code) => live() && act(engine.stop(id, code, now())),
      released: () => void this.#streams.delete(id),
    };
  }

  #endStream(id: number, code: number, how: "reset" | "stopped"): void {
    this.#nameless.delete(id);
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    const failure = streamError(stream.service, code, how);
    if (how === "reset" || failure.code === "MP2P_NO_SUCH_SERVICE") stream.fail(failure);
    else stream.onStopped(failure);
  }

  #end(reason: CloseReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    const error = closeError(reason);
    endStreams(this.#streams, this.#record.engine, error);
    for (const credit of this.#streamCredit.splice(0)) credit.reject(error);
    for (const queue of this.#incoming.values()) queue.end();
    this.#datagrams.end();
    this.#closed.resolve(reason);
    this.#host.ended(this);
    this.emit("close", reason);
  }
}
