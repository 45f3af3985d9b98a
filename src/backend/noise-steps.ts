/**
 * Steps of a Noise handshake that a backend may take in one call each, where it is faster at them than
 * by its single primitives; noise/symmetric-state.ts and noise/key-schedule.ts say what each is made of. They change in place a
 * state for `25519_ChaChaPoly_SHA512`, whose memory no other argument may share. A step that fails
 * changes nothing.
 *
 *   0 chaining key | 64 hash | 128 key | 160 counter, u32 little endian | 164 1 where there is a key
 */
export interface NoiseSteps {
  mixHash(state: Uint8Array, data: Uint8Array): void;
  /** X25519 and MixKey. @returns false where the shared secret is all zeros */
  mixAgreed(state: Uint8Array, secret: Uint8Array, peer: Uint8Array): boolean;
  /** EncryptAndHash. @throws {RangeError} without a key */
  seal(state: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** DecryptAndHash. @returns undefined where the tag does not match @throws {RangeError} without a key */
  open(state: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  /**
   * Split and the whole key schedule; nothing changes.
   *
   * @returns initiator's key 32 | iv 12 | responder's key 32 | iv 12 | exporter 64
   */
  transport(state: Uint8Array, suite: number): Uint8Array;
}
