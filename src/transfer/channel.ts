/** One end of a transfer's stream: records in, records out, and one way to end before its time. */
import type { Duplex } from "node:stream";
import { Mp2pError } from "../base/errors.ts";
import { knownCode } from "./file-error.ts";
import { printable } from "./printable.ts";
import { RecordParser, type RecordShape, type RecordSink } from "./record-parser.ts";
import { abortRecord, type Reason } from "./records.ts";
import type { ConsumableStream } from "./session.ts";

/** Small records travel together in blocks of this size; no record but content is longer. */
const BLOCK_BYTES = 256 * 1024;
/** How long the peer has to read why the stream ends and to close it. */
const FAREWELL_MS = 1000;
/** How a stream ends when the peer destroys its end: for a transfer, like the end of the session. */
const STREAM_CODES: ReadonlySet<string> = new Set(["MP2P_STREAM_RESET", "MP2P_STREAM_STOPPED"]);

export const CLOSED_HINT = "Send again to the same folder: the transfer resumes.";

export class Channel {
  readonly stream: Duplex;
  readonly parser: RecordParser;
  /** Bytes written to the stream, queued ones included. */
  queued = 0;
  /** Called when the parser has used a piece of the stream. */
  onChunk: (() => void) | undefined;
  /** Why the transfer ended early. */
  failure: { readonly error: unknown } | undefined;
  readonly #ended: (error: unknown) => void;
  #block: Buffer = Buffer.alloc(0);
  #blockBytes = 0;
  #flushing: NodeJS.Immediate | undefined;
  #over = false;
  /** Lets the stream go on that was held for want of a buffer. */
  #proceed: () => void = () => {};

  /** @param ended - called once, when the transfer cannot go on */
  constructor(
    stream: Duplex,
    sink: RecordSink,
    shapes: ReadonlyMap<number, RecordShape>,
    ended: (error: unknown) => void,
  ) {
    this.stream = stream;
    this.#ended = ended;
    this.parser = new RecordParser(sink, shapes);
    // Not before the caller has this channel.
    queueMicrotask(() => this.#read());
    stream.on("error", (error) => this.#lost(error));
    stream.on("end", () => this.#lost(undefined));
    const closed = () => this.#lost((stream as { failure?: unknown }).failure);
    stream.on("close", closed);
    if (stream.closed) queueMicrotask(closed);
  }

  /** Copies a record into the current block. */
  put(...parts: readonly Uint8Array[]): void {
    if (this.failure !== undefined) return;
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    if (bytes > this.#block.length - this.#blockBytes) {
      this.flush();
      if (bytes > this.#block.length) this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    }
    for (const part of parts) {
      this.#block.set(part, this.#blockBytes);
      this.#blockBytes += part.length;
    }
    this.queued += bytes;
    this.#flushing ??= setImmediate(() => this.flush());
  }

  /**
   * Sends what was put; happens by itself when the event loop comes round. Written bytes are never
   * touched again: what is left of a block serves the next records.
   */
  flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    const bytes = this.#blockBytes;
    if (bytes === 0 || this.failure !== undefined) return;
    const full = this.#block.subarray(0, bytes);
    this.#block = this.#block.subarray(bytes);
    this.#blockBytes = 0;
    this.stream.write(full);
  }

  /** Hands over bytes that stay unchanged until the peer has taken them. */
  putOwned(bytes: Uint8Array, written: () => void): void {
    this.flush();
    this.queued += bytes.length;
    const { stream } = this;
    if ("lend" in stream) (stream as ConsumableStream).lend(bytes, () => written());
    else stream.write(bytes, () => written());
  }

  /** Resolves when the stream takes more, at once where it does; never rejects. */
  room(): Promise<void> | undefined {
    const { stream } = this;
    if (!stream.writableNeedDrain || this.failure !== undefined) return undefined;
    return new Promise((resolve) => {
      const done = () => {
        stream.off("drain", done);
        stream.off("close", done);
        resolve();
      };
      stream.on("drain", done);
      stream.on("close", done);
    });
  }

  /** A buffer became free: goes on where the parser waits for one. */
  resume(): void {
    if (!this.parser.waiting || this.failure !== undefined) return;
    this.parser.resume();
    if (!this.parser.waiting) this.#proceed();
  }

  /** The peer said why it ends. */
  aborted(reason: Reason | undefined): void {
    const code = reason === undefined ? "MP2P_PROTOCOL" : knownCode(reason.code);
    const why = printable(reason?.why ?? "no readable reason");
    this.#end(new Mp2pError(code, `the peer ended the transfer: ${why}`));
    this.stream.destroy();
  }

  /** Ends the transfer from this side; the peer is told. Only the first call counts. */
  fail(error: unknown): void {
    if (this.failure !== undefined || this.#over) return;
    const known = error instanceof Mp2pError;
    const code = known ? error.code : "MP2P_CLOSED";
    const why = known ? error.message : "cancelled";
    this.#blockBytes = 0;
    this.#end(error);
    breakOff(this.stream, { code, why });
  }

  /** All was said: the end of the stream is no failure from now on. */
  finish(): void {
    this.flush();
    this.#over = true;
    this.stream.end();
  }

  #read(): void {
    const { stream } = this;
    if (stream.readableFlowing === null && "consume" in stream) {
      (stream as ConsumableStream).consume((bytes) => {
        this.#parse(bytes);
        if (!this.parser.waiting) return undefined;
        this.parser.own();
        return new Promise<void>((resolve) => {
          this.#proceed = resolve;
        });
      });
    } else {
      this.#proceed = () => void stream.resume();
      stream.on("data", (bytes: Buffer) => {
        this.#parse(bytes);
        if (this.parser.waiting) stream.pause();
      });
    }
  }

  #parse(bytes: Uint8Array): void {
    this.parser.push(bytes);
    this.onChunk?.();
  }

  #lost(cause: unknown): void {
    if (this.#over) return;
    if (cause instanceof Mp2pError && !STREAM_CODES.has(cause.code)) {
      this.#end(cause);
      return;
    }
    const options = cause === undefined ? {} : { cause };
    const message = "the session or the peer ended before the transfer did";
    this.#end(new Mp2pError("MP2P_CLOSED", message, { ...options, hint: CLOSED_HINT }));
  }

  #end(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { error };
    this.parser.stop();
    this.#proceed();
    this.#ended(error);
  }
}

/** Tells the peer why there is no more to come, and gives it time to read that. */
export function breakOff(stream: Duplex, reason: Reason): void {
  stream.end(abortRecord(reason));
  const timer = setTimeout(() => stream.destroy(), FAREWELL_MS);
  timer.unref();
  stream.once("close", () => clearTimeout(timer));
}
