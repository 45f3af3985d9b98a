/** Half of a Diffie-Hellman: what the Noise engine needs of a key pair, without its secret. */
import type { Primitives } from "../backend/port.ts";
import type { SymmetricState } from "./symmetric-state.ts";

export interface KeyPair {
  /** X25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Mixes what both keys agree on into a handshake. @returns false where the peer's is of low order */
  mixInto(symmetric: SymmetricState, peer: Uint8Array): boolean;
}

/**
 * The public key is computed when first asked for, so that an ephemeral for an answer which is never
 * written costs nothing.
 *
 * @param secret - 32 bytes
 */
export function x25519KeyPair(primitives: Primitives, secret: Uint8Array): KeyPair {
  let publicKey: Uint8Array | undefined;
  return {
    get publicKey() {
      publicKey ??= primitives.x25519PublicKey(secret);
      return publicKey;
    },
    mixInto: (symmetric, peer) => symmetric.mixAgreed(secret, peer),
  };
}
