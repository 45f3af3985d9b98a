/**
 * Who may have a session: keys the program allows, and bearers of an offer ticket's one-use token.
 * A peer that is neither gets a session that only says so.
 */
import type { Primitives } from "../backend/port.ts";
import { equalSecrets, toHex } from "../base/bytes.ts";
import { readKey } from "../noise/identity.ts";

export const TOKEN_BYTES = 16;

export type Allow =
  | readonly (Uint8Array | string)[]
  | ((key: Uint8Array) => boolean | Promise<boolean>);

interface Offer {
  readonly token: Uint8Array;
  readonly expiresMs: number;
}

export class Admission {
  /** Keys that were named. */
  readonly listed: readonly Uint8Array[];
  readonly #decide: ((key: Uint8Array) => boolean | Promise<boolean>) | undefined;
  #offers: Offer[] = [];
  /** Keys that redeemed a token: they may come back to finish what they began. */
  readonly #redeemed = new Set<string>();
  /** Questions that the program has not answered: whoever knocks again meanwhile asks no second one. */
  readonly #asked = new Map<string, Promise<boolean>>();

  /**
   * @throws {Mp2pError} `MP2P_KEY_INVALID` for a listed key that is none
   * @throws {TypeError} for anything but a list or a function
   */
  constructor(allow: Allow | undefined) {
    if (allow === undefined || typeof allow === "function") {
      this.listed = [];
      this.#decide = allow;
      return;
    }
    if (!Array.isArray(allow))
      throw new TypeError("who is allowed is a list of keys, or a function");
    this.listed = allow.map(readKey);
    const keys = new Set(this.listed.map(toHex));
    this.#decide = (key) => keys.has(toHex(key));
  }

  /** @returns a token to hand out */
  offer(primitives: Primitives, expiresMs: number): Uint8Array {
    const token = primitives.randomBytes(TOKEN_BYTES);
    this.#offers.push({ token, expiresMs });
    return token;
  }

  hasOffers(nowMs: number): boolean {
    return this.#offers.some(({ expiresMs }) => expiresMs > nowMs);
  }

  /** Whether the key alone opens the door. A callback that throws, or says anything but `true`, refuses. */
  async allows(key: Uint8Array): Promise<boolean> {
    if (this.#decide === undefined) return true;
    const name = toHex(key);
    if (this.#redeemed.has(name)) return true;
    const pending = this.#asked.get(name);
    if (pending !== undefined) return pending;
    const asked = this.#ask(this.#decide, key).finally(() => this.#asked.delete(name));
    this.#asked.set(name, asked);
    return asked;
  }

  /** Whether every key is let in, so that nothing has to be awaited. */
  get open(): boolean {
    return this.#decide === undefined;
  }

  async #ask(
    decide: (key: Uint8Array) => boolean | Promise<boolean>,
    key: Uint8Array,
  ): Promise<boolean> {
    try {
      return (await decide(key)) === true;
    } catch {
      return false;
    }
  }

  redeemedBy(key: Uint8Array): boolean {
    return this.#redeemed.has(toHex(key));
  }

  /** Uses a token up. From then on this key may return, and no other bearer of the token gets in. */
  redeem(token: Uint8Array, key: Uint8Array, nowMs: number): boolean {
    const found = this.#offers.find((each) => equalSecrets(each.token, token));
    this.#offers = this.#offers.filter((each) => each !== found && each.expiresMs > nowMs);
    if (found === undefined || found.expiresMs <= nowMs) return false;
    this.#redeemed.add(toHex(key));
    return true;
  }
}
