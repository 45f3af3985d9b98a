/**
 * CipherState and SymmetricState of the Noise framework, revision 34, sections 5.1 and 5.2, for
 * `25519_ChaChaPoly_SHA512`. All state is one array, so that a backend may take a step in one call.
 */
import type { Primitives, Suite } from "../backend/port.ts";
import { ascii, concat, viewOf } from "../base/bytes.ts";
import { type TransportKeys, transportKeys, transportKeysIn } from "./key-schedule.ts";

/** The layout that backend/noise-steps.ts has. */
const AT = { chainingKey: 0, hash: 64, key: 128, counter: 160, hasKey: 164 } as const;
const STATE_BYTES = 165;
const HASH_BYTES = 64;
const KEY_BYTES = 32;
const EMPTY: Uint8Array = new Uint8Array(0);

export class SymmetricState {
  readonly #primitives: Primitives;
  readonly #steps: Primitives["noise"];
  readonly #state: Uint8Array;

  private constructor(primitives: Primitives, state: Uint8Array) {
    this.#primitives = primitives;
    this.#steps = primitives.noise;
    this.#state = state;
  }

  /** @param protocol - a full protocol name; longer than a hash, it is hashed (section 5.2) */
  static start(primitives: Primitives, protocol: string): SymmetricState {
    const name = ascii(protocol);
    const hash = name.length > HASH_BYTES ? primitives.sha512(name) : name;
    const state = new Uint8Array(STATE_BYTES);
    state.set(hash, AT.chainingKey);
    state.set(hash, AT.hash);
    return new SymmetricState(primitives, state);
  }

  fork(): SymmetricState {
    return new SymmetricState(this.#primitives, this.#state.slice());
  }

  /** 64 bytes naming everything both sides said so far. */
  get hash(): Uint8Array {
    return this.#state.slice(AT.hash, AT.key);
  }

  get hasKey(): boolean {
    return this.#state[AT.hasKey] === 1;
  }

  mixKey(material: Uint8Array): void {
    const output = this.#expand(material, 2);
    this.#setKey(output.subarray(HASH_BYTES));
  }

  /** @returns false, nothing changed, where the peer's key is of low order. */
  mixAgreed(secret: Uint8Array, peer: Uint8Array): boolean {
    if (this.#steps !== undefined) return this.#steps.mixAgreed(this.#state, secret, peer);
    const shared = this.#primitives.x25519(secret, peer);
    if (shared === undefined) return false;
    this.mixKey(shared);
    return true;
  }

  mixKeyAndHash(material: Uint8Array): void {
    const output = this.#expand(material, 3);
    this.mixHash(output.subarray(HASH_BYTES, 2 * HASH_BYTES));
    this.#setKey(output.subarray(2 * HASH_BYTES));
  }

  mixHash(data: Uint8Array): void {
    if (this.#steps !== undefined) this.#steps.mixHash(this.#state, data);
    else this.#state.set(this.#primitives.sha512(concat(this.#hashView, data)), AT.hash);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    if (this.hasKey && this.#steps !== undefined) return this.#steps.seal(this.#state, plaintext);
    let sealed = plaintext;
    if (this.hasKey) {
      sealed = this.#primitives.seal(this.#key, this.#nonce(), this.#hashView, plaintext);
      this.#count();
    }
    this.mixHash(sealed);
    return sealed;
  }

  /** @returns undefined, nothing changed, where the bytes do not authenticate. */
  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    if (this.hasKey && this.#steps !== undefined) return this.#steps.open(this.#state, sealed);
    let plaintext: Uint8Array | undefined = sealed;
    if (this.hasKey) {
      plaintext = this.#primitives.open(this.#key, this.#nonce(), this.#hashView, sealed);
      if (plaintext === undefined) return undefined;
      this.#count();
    }
    this.mixHash(sealed);
    return plaintext;
  }

  /** The two transport keys, 32 bytes each: the initiator's sending key first. */
  split(): [Uint8Array, Uint8Array] {
    const chainingKey = this.#state.subarray(AT.chainingKey, AT.hash);
    const output = this.#primitives.hkdfSha512(chainingKey, EMPTY, EMPTY, 2 * HASH_BYTES);
    return [output.slice(0, KEY_BYTES), output.slice(HASH_BYTES, HASH_BYTES + KEY_BYTES)];
  }

  /** What `split` gives, made into the keys of packets. */
  transport(suite: Suite): TransportKeys {
    if (this.#steps !== undefined)
      return transportKeysIn(this.#steps.transport(this.#state, suite));
    const [initiatorKey, responderKey] = this.split();
    const result = { initiatorKey, responderKey, hash: this.#hashView };
    return transportKeys(this.#primitives, result, suite);
  }

  get #hashView(): Uint8Array {
    return this.#state.subarray(AT.hash, AT.key);
  }

  get #key(): Uint8Array {
    return this.#state.subarray(AT.key, AT.counter);
  }

  #expand(material: Uint8Array, outputs: number): Uint8Array {
    const chainingKey = this.#state.subarray(AT.chainingKey, AT.hash);
    const length = outputs * HASH_BYTES;
    const output = this.#primitives.hkdfSha512(chainingKey, material, EMPTY, length);
    this.#state.set(output.subarray(0, HASH_BYTES), AT.chainingKey);
    return output;
  }

  #setKey(output: Uint8Array): void {
    this.#state.set(output.subarray(0, KEY_BYTES), AT.key);
    viewOf(this.#state).setUint32(AT.counter, 0, true);
    this.#state[AT.hasKey] = 1;
  }

  #nonce(): Uint8Array {
    return noiseNonce(viewOf(this.#state).getUint32(AT.counter, true));
  }

  #count(): void {
    const view = viewOf(this.#state);
    view.setUint32(AT.counter, view.getUint32(AT.counter, true) + 1, true);
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
