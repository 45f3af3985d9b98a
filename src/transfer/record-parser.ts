/**
 * Bytes of a stream, in whatever pieces they come, to records. Content goes straight into buffers the
 * sink supplies; a sink without a free one stops the parser until `resume`.
 */
import { RECORD_HEADER_BYTES } from "./records.ts";

/** What a record type may look like. */
export interface RecordShape {
  /** Most bytes of the body, or of the head where there is content. */
  readonly most: number;
  /** The body is exactly `most` bytes of head, and then this many bytes of content at most. */
  readonly content?: number;
}

export interface RecordSink {
  /** @param body - borrowed */
  record(type: number, body: Uint8Array): void;
  /**
   * @param head - borrowed
   * @returns a buffer of exactly `bytes`; "wait" for `resume` and be asked again; "discard" the content
   */
  content(type: number, head: Uint8Array, bytes: number): Uint8Array | "wait" | "discard";
  /** The buffer given last is full. */
  filled(): void;
  /** Nothing more will be parsed. */
  malformed(why: string): void;
}

const MOST_BODY_BYTES = 1 << 17;

export class RecordParser {
  readonly #sink: RecordSink;
  readonly #shapes: ReadonlyMap<number, RecordShape>;
  #chunks: Uint8Array[] = [];
  /** Memory of what `own` copied. */
  #own: Uint8Array = new Uint8Array(0);
  /** Bytes of the first chunk already used. */
  #at = 0;
  readonly #held: Uint8Array = new Uint8Array(MOST_BODY_BYTES);
  #heldBytes = 0;

  #state: "header" | "body" | "head" | "content" | "stopped" = "header";
  #type = 0;
  #length = 0;
  #content = 0;
  /** Head of a record whose content waits for a buffer. */
  #waiting: Uint8Array | undefined;
  #into: Uint8Array | "discard" = "discard";
  #filled = 0;
  /** Bytes of the stream that were used. */
  taken = 0;

  constructor(sink: RecordSink, shapes: ReadonlyMap<number, RecordShape>) {
    this.#sink = sink;
    this.#shapes = shapes;
  }

  /** The sink has no buffer: hold the stream. */
  get waiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Whether the stream may end here. */
  get between(): boolean {
    return this.#state === "header" && this.#heldBytes === 0;
  }

  /** @param chunk - used at once, or kept as it is where the sink has no buffer: see `own` */
  push(chunk: Uint8Array): void {
    if (this.#state === "stopped") return;
    // A Buffer's slice would be no copy.
    this.#chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    this.#run();
  }

  /** Copies what waits, for a caller whose bytes are only borrowed. */
  own(): void {
    let length = -this.#at;
    for (const chunk of this.#chunks) length += chunk.length;
    if (length <= 0) return;
    // What was owned before is used up: its memory serves again.
    if (this.#own.length < length) this.#own = new Uint8Array(length);
    let at = -this.#at;
    for (const chunk of this.#chunks) {
      this.#own.set(at < 0 ? chunk.subarray(-at) : chunk, Math.max(0, at));
      at += chunk.length;
    }
    this.#chunks = [this.#own.subarray(0, length)];
    this.#at = 0;
  }

  /** The sink may have a buffer again. */
  resume(): void {
    const head = this.#waiting;
    if (head === undefined || this.#state === "stopped") return;
    this.#waiting = undefined;
    this.#begin(head);
    this.#run();
  }

  stop(): void {
    this.#state = "stopped";
    this.#chunks = [];
    this.#waiting = undefined;
  }

  #run(): void {
    while (this.#waiting === undefined && this.#chunks.length > 0) {
      const chunk = this.#chunks[0] as Uint8Array;
      if (this.#at < chunk.length) {
        const before = this.#at;
        this.#step(chunk);
        this.taken += this.#at - before;
        if (this.#state === "stopped") return;
      }
      if (this.#at === chunk.length && this.#chunks.shift() !== undefined) this.#at = 0;
    }
  }

  #step(chunk: Uint8Array): void {
    switch (this.#state) {
      case "header": {
        const header = this.#collect(chunk, RECORD_HEADER_BYTES);
        if (header !== undefined) this.#started(header);
        break;
      }
      case "body": {
        const body = this.#collect(chunk, this.#length);
        if (body !== undefined) this.#whole(body);
        break;
      }
      case "head": {
        const head = this.#collect(chunk, this.#length);
        if (head !== undefined) this.#begin(head);
        break;
      }
      case "content":
        this.#fill(chunk);
        break;
    }
  }

  #started(header: Uint8Array): void {
    this.#type = header[0] as number;
    const [, high = 0, second = 0, third = 0, low = 0] = header;
    this.#length = high * 0x100_0000 + (second << 16) + (third << 8) + low;
    const shape = this.#shapes.get(this.#type);
    if (shape === undefined) {
      this.#malformed(`a record of unknown type ${this.#type}`);
    } else if (shape.content === undefined) {
      if (this.#length > shape.most) this.#malformed(`a record of ${this.#length} bytes`);
      else if (this.#length === 0) this.#whole(new Uint8Array(0));
      else this.#state = "body";
    } else {
      this.#content = this.#length - shape.most;
      this.#length = shape.most;
      if (this.#content < 0 || this.#content > shape.content) {
        this.#malformed(`content of ${this.#content} bytes`);
      } else this.#state = "head";
    }
  }

  #whole(body: Uint8Array): void {
    this.#state = "header";
    this.#sink.record(this.#type, body);
  }

  #begin(head: Uint8Array): void {
    const into = this.#sink.content(this.#type, head, this.#content);
    if (this.#isStopped()) return;
    if (into === "wait") {
      this.#waiting = head.slice();
      return;
    }
    this.#into = into;
    this.#filled = 0;
    this.#state = "content";
    if (this.#content === 0) this.#finished();
  }

  #fill(chunk: Uint8Array): void {
    const bytes = Math.min(chunk.length - this.#at, this.#content - this.#filled);
    if (this.#into !== "discard") {
      this.#into.set(chunk.subarray(this.#at, this.#at + bytes), this.#filled);
    }
    this.#at += bytes;
    this.#filled += bytes;
    if (this.#filled === this.#content) this.#finished();
  }

  #finished(): void {
    const discarded = this.#into === "discard";
    this.#state = "header";
    this.#into = "discard";
    if (!discarded) this.#sink.filled();
  }

  /** @returns `length` bytes in one piece, or undefined until they are there */
  #collect(chunk: Uint8Array, length: number): Uint8Array | undefined {
    const bytes = Math.min(chunk.length - this.#at, length - this.#heldBytes);
    const piece = chunk.subarray(this.#at, this.#at + bytes);
    this.#at += bytes;
    if (bytes === length) return piece;
    this.#held.set(piece, this.#heldBytes);
    this.#heldBytes += bytes;
    if (this.#heldBytes < length) return undefined;
    this.#heldBytes = 0;
    return this.#held.subarray(0, length);
  }

  #malformed(why: string): void {
    this.stop();
    this.#sink.malformed(why);
  }

  #isStopped(): boolean {
    return this.#state === "stopped";
  }
}
