import { randomFillSync } from "node:crypto";
import { createBLAKE3, type IHasher } from "hash-wasm";
import type { Primitives } from "../port.ts";
import { ParityCode } from "./parity.ts";
import { loadSodiumHeap, type SodiumHeap } from "./sodium-heap.ts";

const HASH_BYTES = 64;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SIGNATURE_BYTES = 64;
/** RFC 5869 section 2.3: 255 blocks. */
const HKDF_MOST_BYTES = 255 * HASH_BYTES;

/** libsodium for everything it has, hash-wasm for BLAKE3, our own code for parity. */
export class SodiumPrimitives implements Primitives {
  readonly #heap: SodiumHeap;
  readonly #blake3: IHasher;
  #parity: ParityCode | undefined;

  constructor(heap: SodiumHeap, blake3: IHasher) {
    this.#heap = heap;
    this.#blake3 = blake3;
  }

  randomBytes(length: number): Uint8Array {
    if (!Number.isInteger(length)) throw new RangeError(`no number of random bytes: ${length}`);
    return randomFillSync(new Uint8Array(length));
  }

  sha512(data: Uint8Array): Uint8Array {
    return this.#call([data], HASH_BYTES, (raw, out, at) =>
      raw._crypto_hash(out, at, data.length, 0),
    );
  }

  hmacSha512(key: Uint8Array, data: Uint8Array): Uint8Array {
    return this.#call([key, data], HASH_BYTES, (raw, out, at) =>
      raw._crypto_kdf_hkdf_sha512_extract(out, at, key.length, at + key.length, data.length),
    );
  }

  hkdfSha512(salt: Uint8Array, ikm: Uint8Array, info: Uint8Array, length: number): Uint8Array {
    if (!Number.isInteger(length) || length < 0 || length > HKDF_MOST_BYTES) {
      throw new RangeError(`HKDF-SHA512 gives 0 to ${HKDF_MOST_BYTES} bytes, not ${length}`);
    }
    const key = this.hmacSha512(salt, ikm);
    return this.#call([key, info], length, (raw, out, at) =>
      raw._crypto_kdf_hkdf_sha512_expand(out, length, at + HASH_BYTES, info.length, at),
    );
  }

  x25519PublicKey(secret: Uint8Array): Uint8Array {
    requireLength("X25519 secret", secret, KEY_BYTES);
    return this.#call([secret], KEY_BYTES, (raw, out, at) => raw._crypto_scalarmult_base(out, at));
  }

  x25519(secret: Uint8Array, peer: Uint8Array): Uint8Array | undefined {
    requireLength("X25519 secret", secret, KEY_BYTES);
    requireLength("X25519 public key", peer, KEY_BYTES);
    return this.#attempt([secret, peer], KEY_BYTES, (raw, out, at) =>
      raw._crypto_scalarmult(out, at, at + KEY_BYTES),
    );
  }

  ed25519PublicKey(seed: Uint8Array): Uint8Array {
    requireLength("Ed25519 seed", seed, KEY_BYTES);
    const secretKey = new Uint8Array(2 * KEY_BYTES);
    return this.#call([seed, secretKey], KEY_BYTES, (raw, out, at) =>
      raw._crypto_sign_seed_keypair(out, at + KEY_BYTES, at),
    );
  }

  ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
    const secretKey = [seed, this.ed25519PublicKey(seed)];
    return this.#call([...secretKey, message], SIGNATURE_BYTES, (raw, out, at) =>
      raw._crypto_sign_detached(out, 0, at + 2 * KEY_BYTES, message.length, 0, at),
    );
  }

  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    requireLength("Ed25519 public key", publicKey, KEY_BYTES);
    requireLength("Ed25519 signature", signature, SIGNATURE_BYTES);
    const verdict = this.#attempt([publicKey, signature, message], 0, (raw, _out, at) => {
      const signatureAt = at + KEY_BYTES;
      const messageAt = signatureAt + SIGNATURE_BYTES;
      return raw._crypto_sign_verify_detached(signatureAt, messageAt, message.length, 0, at);
    });
    return verdict !== undefined;
  }

  seal(key: Uint8Array, nonce: Uint8Array, header: Uint8Array, plaintext: Uint8Array): Uint8Array {
    requireAead(key, nonce);
    const inputs = [key, nonce, header, plaintext];
    return this.#call(inputs, plaintext.length + TAG_BYTES, (_raw, out, at) => {
      const headerAt = { at: at + KEY_BYTES + NONCE_BYTES, length: header.length };
      const plainAt = { at: headerAt.at + header.length, length: plaintext.length };
      return this.#heap.seal(out, plainAt, headerAt, at + KEY_BYTES, at);
    });
  }

  open(
    key: Uint8Array,
    nonce: Uint8Array,
    header: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | undefined {
    requireAead(key, nonce);
    if (sealed.length < TAG_BYTES) return undefined;
    const inputs = [key, nonce, header, sealed];
    return this.#attempt(inputs, sealed.length - TAG_BYTES, (_raw, out, at) => {
      const headerAt = { at: at + KEY_BYTES + NONCE_BYTES, length: header.length };
      const sealedAt = { at: headerAt.at + header.length, length: sealed.length };
      return this.#heap.open(out, sealedAt, headerAt, at + KEY_BYTES, at);
    });
  }

  blake3(data: Uint8Array): Uint8Array {
    return this.#blake3.init().update(data).digest("binary");
  }

  parity(block: Uint8Array, parity: Uint8Array): void {
    this.#parity ??= new ParityCode();
    this.#parity.parity(block, parity);
  }

  restore(block: Uint8Array, missing: Uint8Array, have: Uint8Array, parity: Uint8Array): void {
    this.#parity ??= new ParityCode();
    this.#parity.restore(block, missing, have, parity);
  }

  #call(inputs: readonly Uint8Array[], outputBytes: number, run: RawCall): Uint8Array {
    const output = this.#attempt(inputs, outputBytes, run);
    if (output === undefined) throw new Error("libsodium refused a call that cannot fail");
    return output;
  }

  /**
   * Lays the output and then the inputs into the heap, one after another.
   * @returns undefined where libsodium says no
   */
  #attempt(
    inputs: readonly Uint8Array[],
    outputBytes: number,
    run: RawCall,
  ): Uint8Array | undefined {
    let bytes = outputBytes;
    for (const input of inputs) bytes += input.length;
    return this.#heap.lend(bytes, (out) => {
      let at = out + outputBytes;
      for (const input of inputs) {
        this.#heap.bytes.set(input, at);
        at += input.length;
      }
      if (run(this.#heap.raw, out, out + outputBytes) !== 0) return undefined;
      return this.#heap.bytes.slice(out, out + outputBytes);
    });
  }
}

/** `out` is where the output goes, `at` where the inputs begin. */
type RawCall = (raw: SodiumHeap["raw"], out: number, at: number) => number;

function requireLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length)
    throw new RangeError(`${what} has ${bytes.length} bytes, not ${length}`);
}

function requireAead(key: Uint8Array, nonce: Uint8Array): void {
  requireLength("key", key, KEY_BYTES);
  requireLength("nonce", nonce, NONCE_BYTES);
}

export async function loadPrimitives(): Promise<{
  heap: SodiumHeap;
  primitives: SodiumPrimitives;
}> {
  const [heap, blake3] = await Promise.all([loadSodiumHeap(), createBLAKE3()]);
  return { heap, primitives: new SodiumPrimitives(heap, blake3) };
}
