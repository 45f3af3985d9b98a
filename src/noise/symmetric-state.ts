/**
 * CipherState and SymmetricState of the Noise framework, revision 34, sections 5.1 and 5.2, for
 * `25519_ChaChaPoly_SHA512`. No array is ever changed in place, so a copy is five references.
 */
import type { Primitives } from "../backend/port.ts";
import { ascii, concat, viewOf } from "../base/bytes.ts";

const HASH_BYTES = 64;
const KEY_BYTES = 32;
const EMPTY: Uint8Array = new Uint8Array(0);

export class SymmetricState {
  readonly #primitives: Primitives;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #key: Uint8Array | undefined;
  #counter = 0;

  private constructor(primitives: Primitives, chainingKey: Uint8Array, hash: Uint8Array) {
    this.#primitives = primitives;
    this.#chainingKey = chainingKey;
    this.#hash = hash;
  }

  /** @param protocol - a full protocol name; longer than a hash, it is hashed (section 5.2) */
  static start(primitives: Primitives, protocol: string): SymmetricState {
    const name = ascii(protocol);
    const hash = name.length > HASH_BYTES ? primitives.sha512(name) : padded(name);
    return new SymmetricState(primitives, hash, hash);
  }

  fork(): SymmetricState {
    const copy = new SymmetricState(this.#primitives, this.#chainingKey, this.#hash);
    copy.#key = this.#key;
    copy.#counter = this.#counter;
    return copy;
  }

  /** 64 bytes naming everything both sides said so far. */
  get hash(): Uint8Array {
    return this.#hash;
  }

  get hasKey(): boolean {
    return this.#key !== undefined;
  }

  mixKey(material: Uint8Array): void {
    const output = this.#expand(material, 2);
    this.#setKey(output.subarray(HASH_BYTES));
  }

  mixKeyAndHash(material: Uint8Array): void {
    const output = this.#expand(material, 3);
    this.mixHash(output.subarray(HASH_BYTES, 2 * HASH_BYTES));
    this.#setKey(output.subarray(2 * HASH_BYTES));
  }

  mixHash(data: Uint8Array): void {
    this.#hash = this.#primitives.sha512(concat(this.#hash, data));
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed =
      this.#key === undefined
        ? plaintext
        : this.#primitives.seal(this.#key, noiseNonce(this.#counter++), this.#hash, plaintext);
    this.mixHash(sealed);
    return sealed;
  }

  /** @returns undefined, nothing changed, where the bytes do not authenticate. */
  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    let plaintext: Uint8Array | undefined = sealed;
    if (this.#key !== undefined) {
      plaintext = this.#primitives.open(this.#key, noiseNonce(this.#counter), this.#hash, sealed);
      if (plaintext === undefined) return undefined;
      this.#counter++;
    }
    this.mixHash(sealed);
    return plaintext;
  }

  /** The two transport keys, 32 bytes each: the initiator's sending key first. */
  split(): [Uint8Array, Uint8Array] {
    const output = this.#primitives.hkdfSha512(this.#chainingKey, EMPTY, EMPTY, 2 * HASH_BYTES);
    return [output.slice(0, KEY_BYTES), output.slice(HASH_BYTES, HASH_BYTES + KEY_BYTES)];
  }

  #expand(material: Uint8Array, outputs: number): Uint8Array {
    const length = outputs * HASH_BYTES;
    const output = this.#primitives.hkdfSha512(this.#chainingKey, material, EMPTY, length);
    this.#chainingKey = output.subarray(0, HASH_BYTES);
    return output;
  }

  #setKey(output: Uint8Array): void {
    this.#key = output.subarray(0, KEY_BYTES);
    this.#counter = 0;
  }
}

/** Nonce of ChaChaPoly: four zero bytes, then the counter little endian (section 12.3). */
export function noiseNonce(counter: number): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = viewOf(nonce);
  view.setUint32(4, counter % 0x1_0000_0000, true);
  view.setUint32(8, Math.floor(counter / 0x1_0000_0000), true);
  return nonce;
}

function padded(name: Uint8Array): Uint8Array {
  const hash = new Uint8Array(HASH_BYTES);
  hash.set(name);
  return hash;
}
