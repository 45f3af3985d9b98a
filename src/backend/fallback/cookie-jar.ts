import type { Address } from "../../base/address.ts";
import { ascii, concat, equalSecrets } from "../../base/bytes.ts";
import type { Primitives } from "../port.ts";

const SECRET_LIFE_MS = 120_000;
const COOKIE_BYTES = 16;
const MAC_BYTES = 16;
const NONCE_BYTES = 24;
const BOX_LABEL = ascii("mp2p/1 cookie box\0");
const BOX_NONCE = new Uint8Array(12);
const TYPE_COOKIE = 0x53;
const VERSION = 1;

/** Who speaks (WIRE item 18). */
export interface Caller {
  readonly address: Address;
  /** By which it spoke to a group; "" where it spoke to us alone. */
  readonly interface: string;
}

export type CookiePrimitives = Pick<
  Primitives,
  "hmacSha512" | "hkdfSha512" | "seal" | "randomBytes"
>;

/**
 * Cookies prove that a caller receives at the address it sends from, without state per caller:
 * cookie = HMAC-SHA512(secret, family | address | port | interface)[0..16], the interface where it
 * spoke to a group. A secret lives 120 s and its predecessor is honoured as long again.
 */
export class CookieJar {
  readonly #crypto: CookiePrimitives;
  #secret: Uint8Array;
  #previous: Uint8Array | undefined;
  #bornMs: number | undefined;

  constructor(crypto: CookiePrimitives) {
    this.#crypto = crypto;
    this.#secret = crypto.randomBytes(32);
  }

  /** @returns whether the last 16 bytes of an INIT are a mac2 under a cookie of this source */
  proves(init: Uint8Array, source: Caller, nowMs: number): boolean {
    this.#rotate(nowMs);
    const mac2 = init.subarray(init.length - MAC_BYTES);
    if (mac2.every((byte) => byte === 0)) return false;
    const covered = init.subarray(0, init.length - MAC_BYTES);
    for (const secret of [this.#secret, this.#previous]) {
      if (secret === undefined) continue;
      const mac = this.#crypto.hmacSha512(this.#cookie(secret, source), covered);
      if (equalSecrets(mac.subarray(0, MAC_BYTES), mac2)) return true;
    }
    return false;
  }

  /**
   * The 68-byte answer to an INIT.
   *
   *   0 type = 0x53 | 1 version = 1 | 2-3 zero | 4-11 the INIT's scid | 12-35 nonce | 36-67 box
   *
   * The box holds the cookie, sealed with HKDF-SHA512(nonce, cookieKey) and bound to the INIT's mac1.
   */
  answer(init: Uint8Array, cookieKey: Uint8Array, source: Caller, nowMs: number): Uint8Array {
    this.#rotate(nowMs);
    const nonce = this.#crypto.randomBytes(NONCE_BYTES);
    const key = this.#crypto.hkdfSha512(nonce, cookieKey, BOX_LABEL, 32);
    const mac1 = init.subarray(init.length - 2 * MAC_BYTES, init.length - MAC_BYTES);
    const box = this.#crypto.seal(key, BOX_NONCE, mac1, this.#cookie(this.#secret, source));
    const head = Uint8Array.of(TYPE_COOKIE, VERSION, 0, 0);
    return concat(head, init.subarray(4, 12), nonce, box);
  }

  #cookie(secret: Uint8Array, source: Caller): Uint8Array {
    const { family, bytes, port } = source.address;
    const at = Uint8Array.of(port >> 8, port & 0xff);
    const bound = concat(Uint8Array.of(family), bytes, at, ascii(source.interface));
    return this.#crypto.hmacSha512(secret, bound).subarray(0, COOKIE_BYTES);
  }

  #rotate(nowMs: number): void {
    this.#bornMs ??= nowMs;
    const age = nowMs - this.#bornMs;
    if (age < SECRET_LIFE_MS) return;
    this.#previous = age < 2 * SECRET_LIFE_MS ? this.#secret : undefined;
    this.#secret = this.#crypto.randomBytes(32);
    this.#bornMs = nowMs;
  }
}
