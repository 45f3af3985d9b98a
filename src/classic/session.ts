/**
 * One agreed key, with what the protocol leaves out: which nonces were used, by whom, how many, and
 * since when. docs/CLASSIC.md, "The ten attacks", 8 and 9.
 */
import { toHex } from "../base/bytes.ts";
import {
  NONCE_BYTES,
  openSessionData,
  type SessionData,
  writeSessionData,
} from "./session-data.ts";

/**
 * Messages each way under one key. Far under the 2^32 that random nonces allow (NIST SP 800-38D), as
 * every nonce is remembered.
 */
export const LONGEST_SESSION_MESSAGES = 4096;

export type Opened =
  | { readonly result: "fresh"; readonly text: Uint8Array }
  /** A nonce this side used itself: our own message sent back to us. */
  | { readonly result: "reflected" }
  /** A nonce that was heard before. */
  | { readonly result: "repeated" }
  | { readonly result: "forged" }
  | { readonly result: "worn" };

export class ClassicSession {
  readonly id: Uint8Array;
  readonly #key: Uint8Array;
  readonly #used = new Set<string>();
  readonly #heard = new Set<string>();

  /** @param key - the raw X25519 output, 32 bytes */
  constructor(id: Uint8Array, key: Uint8Array) {
    this.id = id;
    this.#key = key;
  }

  /** @returns a whole message; undefined where the key is worn out, or the random source repeats itself */
  seal(text: Uint8Array, randomBytes: (length: number) => Uint8Array): Uint8Array | undefined {
    const nonce = randomBytes(NONCE_BYTES);
    const name = toHex(nonce);
    const isTaken = this.#used.has(name) || this.#heard.has(name);
    if (isTaken || this.#used.size >= LONGEST_SESSION_MESSAGES) return undefined;
    this.#used.add(name);
    return writeSessionData(this.#key, this.id, nonce, text);
  }

  open(data: SessionData): Opened {
    const text = openSessionData(this.#key, data);
    if (text === undefined) return { result: "forged" };
    const name = toHex(data.nonce);
    if (this.#used.has(name)) return { result: "reflected" };
    if (this.#heard.has(name)) return { result: "repeated" };
    if (this.#heard.size >= LONGEST_SESSION_MESSAGES) return { result: "worn" };
    this.#heard.add(name);
    return { result: "fresh", text };
  }
}
