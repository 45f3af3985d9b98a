/**
 * Type 1: one half of a key agreement, the same for question and answer, which has the question's id.
 * docs/CLASSIC.md, "Messages".
 *
 *   0 type = 1 | 1-16 session id | 17-48 source key | 49-80 destination key
 *   81-112 ephemeral X25519 key | 113-176 signature
 */
import { concat } from "../base/bytes.ts";
import { type ClassicSigner, sign } from "./signature.ts";

export const TYPE_SESSION_INITIATION = 1;
const SESSION_INITIATION_BYTES = 177;
export const SESSION_ID_BYTES = 16;
const AT = { id: 1, source: 17, destination: 49, ephemeral: 81, signature: 113 } as const;

export interface SessionInitiation {
  readonly type: typeof TYPE_SESSION_INITIATION;
  /** 16 bytes. */
  readonly sessionId: Uint8Array;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** X25519 public key, 32 bytes, possibly of low order. */
  readonly ephemeral: Uint8Array;
  /** All of it; the signature is not yet checked. */
  readonly bytes: Uint8Array;
}

export interface InitiationFields {
  readonly sessionId: Uint8Array;
  readonly destination: Uint8Array;
  readonly ephemeral: Uint8Array;
}

export function writeSessionInitiation(
  { sessionId, destination, ephemeral }: InitiationFields,
  signer: ClassicSigner,
): Uint8Array {
  const type = Uint8Array.of(TYPE_SESSION_INITIATION);
  return sign(concat(type, sessionId, signer.key, destination, ephemeral), signer);
}

/** @returns undefined for anything else; the original also took trailing bytes */
export function parseSessionInitiation(bytes: Uint8Array): SessionInitiation | undefined {
  if (bytes.length !== SESSION_INITIATION_BYTES || bytes[0] !== TYPE_SESSION_INITIATION) return;
  return {
    type: TYPE_SESSION_INITIATION,
    sessionId: bytes.slice(AT.id, AT.source),
    source: bytes.slice(AT.source, AT.destination),
    destination: bytes.slice(AT.destination, AT.ephemeral),
    ephemeral: bytes.slice(AT.ephemeral, AT.signature),
    bytes,
  };
}
