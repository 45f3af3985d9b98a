/**
 * Who an endpoint is. docs/PROTOCOL.md, "Identity": a 32-byte seed makes an Ed25519 key, which is the
 * address, and an X25519 static key for handshakes, bound to the address by one signature.
 */
import type { Primitives } from "../backend/port.ts";
import { ascii, concat } from "../base/bytes.ts";
import { Mp2pError } from "../base/errors.ts";
import { fromZbase32, toZbase32 } from "../base/zbase32.ts";
import type { KeyPair } from "./key-pair.ts";

export const SEED_BYTES = 32;
export const KEY_BYTES = 32;
const KEY_TEXT_LETTERS = 52;
/** What a key looks like, for whoever typed something else. */
export const KEY_HINT: string = `a key has ${KEY_TEXT_LETTERS} letters and digits, none of them 0, 2, l or v, as \`mp2p id\` prints it`;

const EMPTY: Uint8Array = new Uint8Array(0);
const STATIC_INFO: Uint8Array = ascii("mp2p/1 static x25519\0");
const STATIC_LABEL: Uint8Array = ascii("mp2p/1 static key\0");

/** Secrets stay inside: not enumerable, not printed, not serialised. */
export class Identity {
  /** Ed25519 public key, 32 bytes: the address of every endpoint of this identity. */
  readonly key: Uint8Array;
  /** `key` as 52 characters of z-base-32. */
  readonly keyText: string;
  /** X25519 public key, 32 bytes. */
  readonly staticPublic: Uint8Array;
  /** Ed25519 signature that binds `staticPublic` to `key`, 64 bytes. */
  readonly staticSignature: Uint8Array;
  readonly #primitives: Primitives;
  readonly #seed: Uint8Array;
  readonly #staticSecret: Uint8Array;

  /**
   * @param seed - 32 secret random bytes; copied
   * @throws {TypeError} for anything but bytes
   * @throws {RangeError} for another length
   */
  constructor(primitives: Primitives, seed: Uint8Array) {
    if (!(seed instanceof Uint8Array)) throw new TypeError("a seed is a Uint8Array");
    if (seed.length !== SEED_BYTES) throw new RangeError(`a seed has 32 bytes, not ${seed.length}`);
    this.#primitives = primitives;
    this.#seed = new Uint8Array(seed);
    this.#staticSecret = primitives.hkdfSha512(EMPTY, seed, STATIC_INFO, 32);
    this.key = primitives.ed25519PublicKey(seed);
    this.keyText = toZbase32(this.key);
    this.staticPublic = primitives.x25519PublicKey(this.#staticSecret);
    this.staticSignature = this.sign(staticKeyMessage(this.key, this.staticPublic));
  }

  /** The static key as the Noise engine wants it. */
  get staticKeyPair(): KeyPair {
    return {
      publicKey: this.staticPublic,
      mixInto: (symmetric, peer) => symmetric.mixAgreed(this.#staticSecret, peer),
    };
  }

  /** What this identity computes with. */
  get primitives(): Primitives {
    return this.#primitives;
  }

  /**
   * Another identity that only the holder of this one can make: for protocols whose signatures must not
   * be this identity's. HKDF-SHA512 over the seed.
   *
   * @param label - NUL-ended ASCII, one for each purpose
   */
  derive(label: string): Identity {
    const seed = this.#primitives.hkdfSha512(EMPTY, this.#seed, ascii(label), SEED_BYTES);
    return new Identity(this.#primitives, seed);
  }

  /** @param message - begins with a NUL-ended `mp2p/1 …` label, so no signature serves two purposes */
  sign(message: Uint8Array): Uint8Array {
    return this.#primitives.ed25519Sign(this.#seed, message);
  }

  toJSON(): { key: string } {
    return { key: this.keyText };
  }
}

/** What an identity signs to bind its static key; public for whoever verifies a published record. */
export function staticKeyMessage(key: Uint8Array, staticPublic: Uint8Array): Uint8Array {
  return concat(STATIC_LABEL, key, staticPublic);
}

/**
 * Reads a key as people write it.
 *
 * @returns 32 bytes; whether they are a usable key shows in the handshake
 * @throws {Mp2pError} `MP2P_KEY_INVALID`
 */
export function parseKey(text: string): Uint8Array {
  const key =
    typeof text === "string" && text.length === KEY_TEXT_LETTERS ? fromZbase32(text) : undefined;
  if (key !== undefined) return key;
  throw new Mp2pError(
    "MP2P_KEY_INVALID",
    `not a key: ${JSON.stringify(String(text).slice(0, 80))}`,
    {
      hint: KEY_HINT,
    },
  );
}

/**
 * A key as programs give it: 32 bytes, or as people write it.
 *
 * @returns a copy
 * @throws {Mp2pError} `MP2P_KEY_INVALID`
 */
export function readKey(key: Uint8Array | string): Uint8Array {
  if (typeof key === "string") return parseKey(key);
  if (key instanceof Uint8Array && key.length === KEY_BYTES) return new Uint8Array(key);
  throw new Mp2pError("MP2P_KEY_INVALID", `a key is ${KEY_BYTES} bytes, or its text`, {
    hint: KEY_HINT,
  });
}
