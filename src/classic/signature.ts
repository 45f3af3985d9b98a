/** Ed25519 over every byte of a message before the signature, which is its last 64 bytes. */
import type { Primitives } from "../backend/port.ts";
import { concat } from "../base/bytes.ts";

const SIGNATURE_BYTES = 64;
export const KEY_BYTES = 32;

/** Who a classic node is; an `Identity` is one. */
export interface ClassicSigner {
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** @param body - the message without its signature */
export function sign(body: Uint8Array, signer: ClassicSigner): Uint8Array {
  return concat(body, signer.sign(body));
}

/** Strict: the original takes small-order keys, for which one signature fits every message. */
export function isSignedBy(
  key: Uint8Array,
  message: Uint8Array,
  primitives: Pick<Primitives, "ed25519Verify">,
): boolean {
  const bodyBytes = message.length - SIGNATURE_BYTES;
  return primitives.ed25519Verify(key, message.subarray(0, bodyBytes), message.subarray(bodyBytes));
}
