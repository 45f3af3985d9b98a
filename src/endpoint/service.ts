/**
 * What a stream is for: its first bytes are a length and that many ASCII letters, the service name
 * (docs/PROTOCOL.md, "Services"). The empty name is the program's own.
 */
import { ascii, concat } from "../base/bytes.ts";

const NAME = /^[\x21-\x7e]{0,255}$/;

/** A stream of this service carries the one-use token of an offer ticket. */
export const TOKEN_SERVICE = "token/1";

/** @throws {TypeError} for a name that is not 0 to 255 printable ASCII letters */
export function servicePrefix(name: string): Uint8Array {
  if (!NAME.test(name)) {
    throw new TypeError(
      `a service name is up to 255 printable ASCII letters: ${JSON.stringify(name)}`,
    );
  }
  return concat(Uint8Array.of(name.length), ascii(name));
}

/** Gathers the first bytes of an incoming stream until its service is known. */
export class ServiceReader {
  #bytes: Uint8Array = new Uint8Array(0);

  /** @returns undefined while the name is incomplete, null where it is none, else name and what follows. */
  push(chunk: Uint8Array): { name: string; rest: Uint8Array } | null | undefined {
    this.#bytes = concat(this.#bytes, chunk);
    const length = this.#bytes[0];
    if (length === undefined || this.#bytes.length < 1 + length) return undefined;
    const name = String.fromCharCode(...this.#bytes.subarray(1, 1 + length));
    return NAME.test(name) ? { name, rest: this.#bytes.subarray(1 + length) } : null;
  }
}
