/** The streams of one session: opened here, or by the peer and handed to whom their service is for. */

import { abortable } from "../base/abort.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import type { Mp2pError } from "../base/errors.ts";
import { SparseMap, SparseSet } from "../base/sparse.ts";
import { CLOSE_CODE } from "../session/close-codes.ts";
import type { SessionEvent } from "../session/contract.ts";
import { AsyncQueue } from "./async-queue.ts";
import { checkStream } from "./check-endpoint.ts";
import { endStreams, streamError } from "./end-streams.ts";
import { ServiceReader, servicePrefix } from "./service.ts";
import type { Session } from "./session.ts";
import type { SessionHost } from "./session-host.ts";
import type { SessionRecord } from "./session-record.ts";
import { Stream, type StreamLink } from "./stream.ts";

export interface OpenStreamOptions {
  /** What the stream is for; the peer refuses names it does not know. Default: the program's own, "". */
  readonly service?: string;
  /** 0 (first) to 7 (last); default 3. Lower numbers are sent before higher ones. */
  readonly priority?: number;
  /** Only this side writes. */
  readonly unidirectional?: boolean;
  readonly signal?: AbortSignal;
}

type StreamEvent = Extract<
  SessionEvent,
  { readonly stream: number } | { readonly kind: "streams" }
>;

export class SessionStreams {
  readonly #session: Session;
  readonly #record: SessionRecord;
  readonly #host: SessionHost;
  readonly #open = new SparseMap<number, Stream>();
  readonly #nameless = new SparseMap<number, ServiceReader>();
  /** Made when the first stream of a service comes or is asked for. */
  readonly #incoming = new SparseMap<string, AsyncQueue<Stream>>();
  /** Who waits for streams to be granted. */
  readonly #credit = new SparseSet<Deferred<void>>();
  #isOver = false;

  constructor(session: Session, record: SessionRecord, host: SessionHost) {
    this.#session = session;
    this.#record = record;
    this.#host = host;
  }

  /** @see Session.openStream */
  async open(options: OpenStreamOptions): Promise<Stream> {
    checkStream(options);
    const { service = "", unidirectional = false, priority = 3, signal } = options;
    const prefix = servicePrefix(service);
    signal?.throwIfAborted();
    for (;;) {
      this.#session.throwIfClosed();
      const id = this.#record.engine.openStream({ unidirectional, priority }, this.#host.now());
      if (id !== undefined) {
        const stream = this.#attach(id, service, { readable: !unidirectional, writable: true });
        this.#record.engine.write(id, prefix, this.#host.now());
        this.#changed();
        return stream;
      }
      const credit = deferred<void>();
      this.#credit.add(credit);
      await abortable(credit.promise, signal).finally(() => this.#credit.delete(credit));
    }
  }

  /** Those the peer opens. @returns undefined for a service the endpoint was not opened with */
  incoming(service: string): AsyncQueue<Stream> | undefined {
    let queue = this.#incoming.get(service);
    if (queue === undefined && this.#host.services.includes(service)) {
      queue = new AsyncQueue();
      if (this.#isOver) queue.end();
      this.#incoming.set(service, queue);
    }
    return queue;
  }

  onEvent(event: StreamEvent): void {
    switch (event.kind) {
      case "stream":
        this.#nameless.set(event.stream, new ServiceReader());
        break;
      case "readable":
        if (this.#nameless.has(event.stream)) this.#readName(event.stream);
        this.#open.get(event.stream)?.onReadable();
        break;
      case "writable":
        this.#open.get(event.stream)?.onWritable();
        break;
      case "finished":
        this.#open.get(event.stream)?.onFinished();
        break;
      case "reset":
      case "stopped":
        this.#endStream(event.stream, event.code, event.kind);
        break;
      case "streams":
        for (const credit of this.#credit) credit.resolve();
        break;
    }
  }

  /** The session is over. */
  end(error: Mp2pError): void {
    this.#isOver = true;
    endStreams(this.#open, this.#record.engine, error);
    for (const credit of this.#credit) credit.reject(error);
    for (const queue of this.#incoming.values()) queue.end();
  }

  #changed(): void {
    this.#host.changed(this.#record);
  }

  #readName(id: number): void {
    const reader = this.#nameless.get(id) as ServiceReader;
    for (;;) {
      const chunk = this.#record.engine.read(id);
      const named = chunk === undefined ? undefined : reader.push(chunk);
      if (named === undefined) {
        if (chunk !== undefined) continue;
        if (this.#record.engine.ended(id)) this.#refuse(id);
        return;
      }
      this.#nameless.delete(id);
      if (named === null || !this.#offer(id, named.name, named.rest)) this.#refuse(id);
      return;
    }
  }

  /** Hands a named stream to whom it is for. @returns false where nobody knows the service. */
  #offer(id: number, service: string, head: Uint8Array): boolean {
    const queue = this.incoming(service);
    const internal = this.#host.internalService(service);
    if (queue === undefined && internal === undefined) return false;
    const writable = (id & 2) === 0;
    const stream = this.#attach(id, service, { readable: true, writable, head });
    if (internal !== undefined) internal(this.#session, stream);
    else queue?.push(stream);
    return true;
  }

  /** Our half of it would stay as long as the session otherwise. */
  #refuse(id: number): void {
    const { engine } = this.#record;
    this.#nameless.delete(id);
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
    const streams = this.#open.size + 1;
    const stream = Stream.make(this.#link(id), { id, service, ...sides, streams });
    this.#open.set(id, stream);
    return stream;
  }

  #link(id: number): StreamLink {
    const { engine } = this.#record;
    const now = () => this.#host.now();
    const act = <T>(result: T): T => {
      this.#changed();
      return result;
    };
    const live = () => !this.#isOver;
    return {
      write: (bytes, lent) => (live() ? act(engine.write(id, bytes, now(), lent)) : 0),
      finish: () => live() && act(engine.finish(id, now())),
      read: () => (live() ? act(engine.read(id)) : undefined),
      consume: (sink) => live() && act(engine.consume(id, sink)),
      ended: () => live() && engine.ended(id),
      reset: (code) => live() && act(engine.reset(id, code, now())),
      stop: (code) => live() && act(engine.stop(id, code, now())),
      released: () => this.#release(id),
    };
  }

  /** A peer that opens streams and gives them up is granted others: nothing of them stays. */
  #release(id: number): void {
    const stream = this.#open.get(id);
    this.#open.delete(id);
    if (stream !== undefined) this.#incoming.get(stream.service)?.delete(stream);
  }

  #endStream(id: number, code: number, how: "reset" | "stopped"): void {
    if (this.#nameless.has(id)) this.#refuse(id);
    const stream = this.#open.get(id);
    if (stream === undefined) return;
    const failure = streamError(stream.service, code, how);
    if (how === "reset" || failure.code === "MP2P_NO_SUCH_SERVICE") stream.fail(failure);
    else stream.onStopped(failure);
  }
}
