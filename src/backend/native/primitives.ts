/** `Primitives` over the addon: only `null` differs. */
import type { Primitives } from "../port.ts";
import type { Addon } from "./addon.ts";

export function nativePrimitives(addon: Addon): Primitives {
  const { randomBytes, sha512, hmacSha512, hkdfSha512, x25519PublicKey, ed25519PublicKey } = addon;
  const { ed25519Sign, ed25519Verify, seal, blake3, parity, restore } = addon;
  return {
    randomBytes,
    sha512,
    hmacSha512,
    hkdfSha512,
    x25519PublicKey,
    x25519: (secret, peer) => addon.x25519(secret, peer) ?? undefined,
    ed25519PublicKey,
    ed25519Sign,
    ed25519Verify,
    seal,
    open: (key, nonce, header, sealed) => addon.open(key, nonce, header, sealed) ?? undefined,
    noise: {
      mixHash: addon.noiseMixHash,
      mixAgreed: addon.noiseMixAgreed,
      seal: addon.noiseSeal,
      open: (state, sealed) => addon.noiseOpen(state, sealed) ?? undefined,
      transport: addon.noiseTransport,
    },
    blake3,
    parity,
    restore,
  };
}
