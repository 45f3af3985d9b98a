import * as sodium from "libsodium-wrappers";

/**
 * libsodium's own functions on its WebAssembly heap. The wrappers allocate, copy and free six times
 * a call; on buffers that stay in the heap the same seal takes 4.0 instead of 5.5 microseconds.
 * Lengths that are 64-bit in C are two arguments here, low half first.
 */
interface Raw {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(at: number): void;
  _crypto_hash(out: number, data: number, length: number, high: 0): number;
  /** HMAC-SHA512(salt, ikm), 64 bytes: what RFC 5869 calls extract. */
  _crypto_kdf_hkdf_sha512_extract(
    out: number,
    salt: number,
    saltLength: number,
    ikm: number,
    ikmLength: number,
  ): number;
  _crypto_kdf_hkdf_sha512_expand(
    out: number,
    length: number,
    info: number,
    infoLength: number,
    prk: number,
  ): number;
  _crypto_scalarmult_base(out: number, secret: number): number;
  _crypto_scalarmult(out: number, secret: number, peer: number): number;
  _crypto_sign_seed_keypair(publicKey: number, secretKey: number, seed: number): number;
  _crypto_sign_detached(
    out: number,
    outLength: 0,
    message: number,
    length: number,
    high: 0,
    secretKey: number,
  ): number;
  _crypto_sign_verify_detached(
    signature: number,
    message: number,
    length: number,
    high: 0,
    publicKey: number,
  ): number;
  _crypto_aead_chacha20poly1305_ietf_encrypt(
    out: number,
    outLength: 0,
    plain: number,
    plainLength: number,
    plainHigh: 0,
    header: number,
    headerLength: number,
    headerHigh: 0,
    unused: 0,
    nonce: number,
    key: number,
  ): number;
  _crypto_aead_chacha20poly1305_ietf_decrypt(
    out: number,
    outLength: 0,
    unused: 0,
    sealed: number,
    sealedLength: number,
    sealedHigh: 0,
    header: number,
    headerLength: number,
    headerHigh: 0,
    nonce: number,
    key: number,
  ): number;
}

/** Primitives work here unless their input is longer. */
const SCRATCH_BYTES = 65_536;

export class SodiumHeap {
  readonly raw: Raw;
  readonly #scratch: number;

  constructor(raw: Raw) {
    this.raw = raw;
    this.#scratch = this.reserve(SCRATCH_BYTES);
  }

  /** All of the heap. A later allocation may move it: take it anew for every call. */
  get bytes(): Uint8Array {
    return this.raw.HEAPU8;
  }

  /** Bytes that are never given back: one region per process and purpose. */
  reserve(bytes: number): number {
    const at = this.raw._malloc(bytes);
    if (at === 0) throw new RangeError(`libsodium's heap has no ${bytes} bytes left`);
    return at;
  }

  /** Lends `bytes` bytes for one call, never nested, and wipes them after it: they held secrets. */
  lend<Result>(bytes: number, use: (at: number) => Result): Result {
    const fits = bytes <= SCRATCH_BYTES;
    const at = fits ? this.#scratch : this.reserve(bytes);
    try {
      return use(at);
    } finally {
      this.bytes.fill(0, at, at + bytes);
      if (!fits) this.raw._free(at);
    }
  }

  /** Seals from heap to heap; 16 bytes more come out than go in. @returns 0 */
  seal(out: number, plain: Region, header: Region, nonce: number, key: number): number {
    return this.raw._crypto_aead_chacha20poly1305_ietf_encrypt(
      out,
      0,
      plain.at,
      plain.length,
      0,
      header.at,
      header.length,
      0,
      0,
      nonce,
      key,
    );
  }

  /** Opens from heap to heap. @returns 0, or another number where the tag does not match */
  open(out: number, sealed: Region, header: Region, nonce: number, key: number): number {
    return this.raw._crypto_aead_chacha20poly1305_ietf_decrypt(
      out,
      0,
      0,
      sealed.at,
      sealed.length,
      0,
      header.at,
      header.length,
      0,
      nonce,
      key,
    );
  }
}

/** Bytes of the heap. */
export interface Region {
  readonly at: number;
  readonly length: number;
}

/** A view of heap bytes that is kept as long as place, length and heap stay the same. */
export class HeapView {
  #heap: Uint8Array | undefined;
  #view: Uint8Array = new Uint8Array(0);
  #at = -1;

  of(heap: Uint8Array, at: number, length: number): Uint8Array {
    if (heap !== this.#heap || at !== this.#at || length !== this.#view.length) {
      this.#heap = heap;
      this.#at = at;
      this.#view = heap.subarray(at, at + length);
    }
    return this.#view;
  }
}

/** The module exports `libsodium`, which its type declarations leave out. */
export async function loadSodiumHeap(): Promise<SodiumHeap> {
  await sodium.ready;
  return new SodiumHeap((sodium as unknown as { readonly libsodium: Raw }).libsodium);
}
