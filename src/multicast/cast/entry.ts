/** How a receiver gets in: JOIN, then KEY and the manifest, whole and with the hash that KEY names. */
import type { Primitives } from "../../backend/port.ts";
import { equalBytes } from "../../base/bytes.ts";
import { type CastKey, parseKeyRecord } from "./key-record.ts";
import { RECORD } from "./records.ts";

export class Entry {
  readonly #primitives: Primitives;
  readonly #entered: (key: CastKey, manifest: Uint8Array) => void;
  #key: CastKey | undefined;
  #manifest: Uint8Array = new Uint8Array(0);
  #bytes = 0;

  constructor(primitives: Primitives, entered: (key: CastKey, manifest: Uint8Array) => void) {
    this.#primitives = primitives;
    this.#entered = entered;
  }

  /** @returns what is wrong with a record; undefined where nothing is */
  receive(type: number, body: Uint8Array): string | undefined {
    if (type === RECORD.KEY && this.#key === undefined) {
      this.#key = parseKeyRecord(body);
      if (this.#key === undefined) return "a KEY that makes no sense";
      this.#manifest = new Uint8Array(this.#key.manifestBytes);
    } else if (type === RECORD.MANIFEST && this.#key !== undefined) {
      if (this.#bytes + body.length > this.#manifest.length) return "a manifest that is too long";
      this.#manifest.set(body, this.#bytes);
      this.#bytes += body.length;
    } else return `a record of type ${type} before the manifest`;
    return this.#bytes === this.#manifest.length ? this.#enter(this.#key) : undefined;
  }

  #enter(key: CastKey): string | undefined {
    if (!equalBytes(this.#primitives.blake3(this.#manifest), key.manifestHash)) {
      return "a manifest with another hash";
    }
    this.#entered(key, this.#manifest);
    return undefined;
  }
}
