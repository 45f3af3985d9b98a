/**
 * Static keys whose binding to an identity was verified before. A strict Ed25519 verify costs 38 µs
 * natively and 88 µs in wasm, as much as a Diffie-Hellman, and peers come back.
 */
import type { Primitives } from "../backend/port.ts";
import { RecentMap } from "../base/recent-map.ts";
import { staticKeyMessage } from "./identity.ts";

const MAX_REMEMBERED = 1024;

export class VerifiedStatics {
  /** In order of last use; a name is both keys, one UTF-16 unit a byte. */
  readonly #names: RecentMap<string, true>;

  constructor(most: number = MAX_REMEMBERED) {
    this.#names = new RecentMap(most);
  }

  get size(): number {
    return this.#names.size;
  }

  /** Whether `signature` by `key` binds `staticPublic`; only what verified is remembered. */
  verify(
    primitives: Primitives,
    key: Uint8Array,
    staticPublic: Uint8Array,
    signature: Uint8Array,
  ): boolean {
    const name = String.fromCharCode(...key, ...staticPublic);
    if (!this.#names.has(name)) {
      const message = staticKeyMessage(key, staticPublic);
      if (!primitives.ed25519Verify(key, message, signature)) return false;
    }
    this.#names.set(name, true);
    return true;
  }
}
