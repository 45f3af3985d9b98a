/** Bytes of a stream, in whatever pieces they come, to records. */
import { viewOf } from "../../base/bytes.ts";
import { longestBody, RECORD_HEADER_BYTES } from "./records.ts";

export class RecordStream {
  readonly #record: (type: number, body: Uint8Array) => void;
  readonly #header = new Uint8Array(RECORD_HEADER_BYTES);
  #headerBytes = 0;
  #body: Uint8Array | undefined;
  #bodyBytes = 0;
  /** The peer broke the rules: nothing more is read. */
  failed = false;

  /** @param received - is given bodies to keep */
  constructor(received: (type: number, body: Uint8Array) => void) {
    this.#record = received;
  }

  /** @param chunk - borrowed. @returns false where this is no cast stream */
  push(chunk: Uint8Array): boolean {
    for (let at = 0; at < chunk.length && !this.failed; ) {
      at += this.#body === undefined ? this.#readHeader(chunk, at) : this.#readBody(chunk, at);
    }
    return !this.failed;
  }

  #readHeader(chunk: Uint8Array, at: number): number {
    const bytes = Math.min(chunk.length - at, RECORD_HEADER_BYTES - this.#headerBytes);
    this.#header.set(chunk.subarray(at, at + bytes), this.#headerBytes);
    this.#headerBytes += bytes;
    if (this.#headerBytes < RECORD_HEADER_BYTES) return bytes;
    const length = viewOf(this.#header).getUint32(1);
    const most = longestBody(this.#header[0] as number);
    if (most === undefined || length > most) this.failed = true;
    else this.#body = new Uint8Array(length);
    this.#bodyBytes = 0;
    if (length === 0) this.#finish();
    return bytes;
  }

  #readBody(chunk: Uint8Array, at: number): number {
    const body = this.#body as Uint8Array;
    const bytes = Math.min(chunk.length - at, body.length - this.#bodyBytes);
    body.set(chunk.subarray(at, at + bytes), this.#bodyBytes);
    this.#bodyBytes += bytes;
    if (this.#bodyBytes === body.length) this.#finish();
    return bytes;
  }

  #finish(): void {
    const body = this.#body;
    this.#body = undefined;
    this.#headerBytes = 0;
    if (body !== undefined) this.#record(this.#header[0] as number, body);
  }
}
