/** Half of a Diffie-Hellman: what the Noise engine needs of a key pair, without its secret. */
import type { Primitives } from "../backend/port.ts";

export interface KeyPair {
  /** X25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes. @returns undefined where the peer's key is of low order. */
  agree(peer: Uint8Array): Uint8Array | undefined;
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
    agree: (peer) => primitives.x25519(secret, peer),
  };
}
