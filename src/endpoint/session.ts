/** A session with one peer, as programs see it. */
import { EventEmitter } from "node:events";
import { type Deferred, deferred } from "../base/deferred.ts";
import { toZbase32 } from "../base/zbase32.ts";
import { rungOf } from "../path/ladder.ts";
import { CLOSE_CODE } from "../session/close-codes.ts";
import { AsyncQueue, type LoopOptions } from "./async-queue.ts";
import { checkClose } from "./check-endpoint.ts";
import { type CloseReason, closeError, closeReason } from "./close-reason.ts";
import type { PathInfo, SessionHost, SessionStats } from "./session-host.ts";
import type { RecordEvent, SessionRecord } from "./session-record.ts";
import { type OpenStreamOptions, SessionStreams } from "./session-streams.ts";
import type { Stream } from "./stream.ts";

/**
 * Datagrams kept for a program that does not read them; what comes then is dropped. As many packets as one turn of the
 * event loop brings, before which no loop can read, unless they are large.
 */
const DATAGRAMS_KEPT = {
  items: 16_384,
  bytes: 4 * 1024 * 1024,
  bytesOf: (datagram: Uint8Array) => datagram.length,
};

export interface SessionEvents {
  path: [path: PathInfo];
  /** After `send` returned false because the queue was full: half of it is free. */
  drain: [];
  /**
   * The peer has owed an answer for `ms` milliseconds: 5,000, and again after twice as long each time. While streams are
   * open it is asked for one at least every 15 s, without them only what is sent asks.
   */
  silent: [ms: number];
  /** The peer that was silent is heard again. */
  heard: [];
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
  readonly #streams: SessionStreams;
  readonly #datagrams = new AsyncQueue<Uint8Array>(DATAGRAMS_KEPT);
  readonly #closed: Deferred<CloseReason> = deferred();
  #reason: CloseReason | undefined;
  #viaOffer = false;
  #datagramsDropped = 0;

  private constructor(record: SessionRecord, host: SessionHost, dialled: boolean) {
    super();
    this.#record = record;
    this.#host = host;
    this.dialled = dialled;
    this.blake3 = host.blake3;
    this.closed = this.#closed.promise;
    this.#streams = new SessionStreams(this, record, host);
    record.listener = (event) => {
      try {
        this.#onEvent(event);
      } catch (error) {
        // A listener of the program threw: its own affair, and not that of this session's next packets.
        queueMicrotask(() => {
          throw error;
        });
      }
    };
  }

  /** @internal endpoints make sessions */
  static make(record: SessionRecord, host: SessionHost, dialled: boolean): Session {
    return new Session(record, host, dialled);
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
    return {
      ...this.#record.engine.stats(),
      datagramsDropped: this.#datagramsDropped,
      path: this.path,
      backend: this.#host.backendName,
    };
  }

  /**
   * Opens a stream; waits where the peer's limit of open streams is reached.
   *
   * @throws {Mp2pError} the reason the session ended, or the signal's reason
   */
  openStream(options: OpenStreamOptions = {}): Promise<Stream> {
    return this.#streams.open(options);
  }

  /**
   * Streams the peer opens for one service, each once, shared by all loops over the same service. The peer may have
   * left them without a way back: see `writable`. Ends with the session.
   *
   * @throws {TypeError} for a service the endpoint was not opened with
   */
  streams(service = "", options: LoopOptions = {}): AsyncIterable<Stream> {
    const queue = this.#streams.incoming(service);
    if (queue === undefined) {
      throw new TypeError(
        `service ${JSON.stringify(service)} is not among the services this endpoint was opened with`,
      );
    }
    return queue.loop(options);
  }

  /**
   * Sends an unreliable datagram of up to `stats().datagramBytes`, as fast as the path takes it.
   *
   * @returns false where nothing of it is sent: it is too large, or 1,024 datagrams or 1 MiB wait; of the latter `drain`
   * tells when to go on
   * @throws {TypeError} for anything but bytes
   * @throws {Mp2pError} the reason the session ended
   */
  send(bytes: Uint8Array): boolean {
    if (!(bytes instanceof Uint8Array)) throw new TypeError("a datagram is a Uint8Array");
    this.throwIfClosed();
    const taken = this.#record.engine.sendDatagram(bytes, this.#host.now());
    this.#changed();
    return taken;
  }

  /** Datagrams from the peer; 16,384 or 4 MiB wait to be read, what comes then is dropped. Ends with the session. */
  datagrams(options: LoopOptions = {}): AsyncIterable<Uint8Array> {
    return this.#datagrams.loop(options);
  }

  /**
   * Ends the session; streams still open are cut off. Resolves when the peer knows or was told thrice.
   *
   * @param options.code - 0 (default), or the program's own: `FIRST_PROGRAM_CODE` to 65,535
   * @throws {TypeError} for another code, or a reason that is no text
   */
  async close(options: { readonly code?: number; readonly reason?: string } = {}): Promise<void> {
    checkClose(options);
    await this.#close(options);
  }

  async #close(options: { readonly code?: number; readonly reason?: string }): Promise<void> {
    const { code = CLOSE_CODE.NONE, reason = "" } = options;
    if (this.#reason === undefined) {
      this.#record.engine.close(code, reason, this.#host.now());
      this.#changed();
    }
    await this.#closed.promise;
  }

  /** @internal the peer's key is not allowed. */
  refuse(): void {
    void this.#close({ code: CLOSE_CODE.NOT_ALLOWED, reason: "not allowed" });
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

  #onEvent(event: RecordEvent): void {
    switch (event.kind) {
      case "datagram":
        if (!this.#datagrams.push(event.bytes)) this.#datagramsDropped++;
        break;
      case "path":
        this.emit("path", this.path);
        break;
      case "drain":
        this.emit("drain");
        break;
      case "silent":
        this.emit("silent", event.ms);
        break;
      case "heard":
        this.emit("heard");
        break;
      case "closed":
        this.#end(closeReason(event));
        break;
      case "confirmed":
      case "rehandshake":
      case "retired":
        // The core's own business.
        break;
      default:
        this.#streams.onEvent(event);
    }
  }

  #end(reason: CloseReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#streams.end(closeError(reason));
    this.#datagrams.end();
    this.#closed.resolve(reason);
    this.#host.ended(this);
    this.emit("close", reason);
  }
}
