/**
 * Type 2: a message under the key of a session. docs/CLASSIC.md, "Messages".
 *
 *   0 type = 2 | 1-16 session id | 17-28 nonce | 29- ciphertext and 16-byte tag
 *
 * AES-256-GCM without associated data, keyed with the raw X25519 output, the same in both directions.
 */
import { concat } from "../base/bytes.ts";

export const TYPE_SESSION_DATA = 2;
export const NONCE_BYTES = 12;
/** What a message takes beyond its text. */
const SESSION_DATA_OVERHEAD = 45;
/** The original reads 1,500 bytes and cuts the rest off. Over Ethernet, 1,407 go in one IPv6 packet. */
const LONGEST_DATAGRAM_BYTES = 1500;
export const LONGEST_TEXT_BYTES: number = LONGEST_DATAGRAM_BYTES - SESSION_DATA_OVERHEAD;
const AT = { id: 1, nonce: 17, sealed: 29 } as const;
const TAG_BYTES = 16;
const CIPHER = "aes-256-gcm";

export interface SessionData {
  readonly type: typeof TYPE_SESSION_DATA;
  readonly sessionId: Uint8Array;
  readonly nonce: Uint8Array;
  /** Ciphertext and tag. */
  readonly sealed: Uint8Array;
}

/** @throws {RangeError} for a text over 1,455 bytes */
export function writeSessionData(
  key: Uint8Array,
  sessionId: Uint8Array,
  nonce: Uint8Array,
  text: Uint8Array,
): Uint8Array {
  if (text.length > LONGEST_TEXT_BYTES) {
    throw new RangeError(`a classic message has up to ${LONGEST_TEXT_BYTES} bytes`);
  }
  const cipher = crypto().createCipheriv(CIPHER, key, nonce);
  const sealed = cipher.update(text);
  cipher.final();
  return concat(Uint8Array.of(TYPE_SESSION_DATA), sessionId, nonce, sealed, cipher.getAuthTag());
}

export function parseSessionData(bytes: Uint8Array): SessionData | undefined {
  if (bytes.length < SESSION_DATA_OVERHEAD || bytes.length > LONGEST_DATAGRAM_BYTES) return;
  if (bytes[0] !== TYPE_SESSION_DATA) return;
  return {
    type: TYPE_SESSION_DATA,
    sessionId: bytes.slice(AT.id, AT.nonce),
    nonce: bytes.slice(AT.nonce, AT.sealed),
    sealed: bytes.subarray(AT.sealed),
  };
}

/** @returns the text; undefined where the tag does not match */
export function openSessionData(
  key: Uint8Array,
  { nonce, sealed }: SessionData,
): Uint8Array | undefined {
  const tagAt = sealed.length - TAG_BYTES;
  const cipher = crypto().createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAuthTag(sealed.subarray(tagAt));
  const text = cipher.update(sealed.subarray(0, tagAt));
  try {
    cipher.final();
  } catch {
    return undefined;
  }
  return Uint8Array.from(text);
}

/** An import would load the whole of Web Cryptography too, 4 ms at the start of every command. */
function crypto(): typeof import("node:crypto") {
  return process.getBuiltinModule("node:crypto");
}
