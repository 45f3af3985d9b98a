/**
 * What makes a group this group and no other: name, secret and owner key in one hash, from which its id,
 * its addresses and its keys follow. docs/PROTOCOL.md, "Secure groups".
 */
import type { Primitives } from "../../backend/port.ts";
import { ascii, concat, viewOf } from "../../base/bytes.ts";
import { Mp2pError } from "../../base/errors.ts";
import { ipv4Group, type SCOPE, transientGroup } from "../group-address.ts";

const ROOT_LABEL: Uint8Array = ascii("mp2p/1 group root\0");
const ID_INFO: Uint8Array = ascii("mp2p/1 group id\0");
const PROOF_INFO: Uint8Array = ascii("mp2p/1 group proof\0");
const BEACON_INFO: Uint8Array = ascii("mp2p/1 group beacon\0");
const EMPTY: Uint8Array = new Uint8Array(0);
const KEY_BYTES = 32;
const FIELD_BYTES_MAX = 65_535;

/** Whoever can try out secrets must have no hope: announcements can be recorded. */
const SECRET_BITS_MIN = 80;
/** Below this many different characters a text is a pattern, not a secret. */
const DISTINCT_MIN = 6;

export interface GroupTerms {
  /** UTF-8. */
  readonly name: Uint8Array;
  /** Empty for none. */
  readonly secret: Uint8Array;
  /** Ed25519 public key, 32 bytes; empty for none. */
  readonly owner: Uint8Array;
}

export interface GroupKeys {
  /** 32 bytes; the addresses follow from it as an identity's do from its key. */
  readonly id: Uint8Array;
  /** Keys of membership proofs and of announcements, 32 bytes each. */
  readonly proof: Uint8Array;
  readonly beacon: Uint8Array;
}

export function groupKeys(primitives: Primitives, terms: GroupTerms): GroupKeys {
  const { name, secret, owner } = terms;
  const root = primitives.sha512(concat(ROOT_LABEL, field(name), field(secret), field(owner)));
  const derive = (info: Uint8Array) => primitives.hkdfSha512(EMPTY, root, info, KEY_BYTES);
  return { id: derive(ID_INFO), proof: derive(PROOF_INFO), beacon: derive(BEACON_INFO) };
}

/** Where a group of this id is spoken: `"[ff12::…]:6727"`, `"239.255.h.h:6727"`. */
export interface GroupAddresses {
  readonly ipv6: string;
  readonly ipv4: string;
}

export function groupAddresses(
  id: Uint8Array,
  scope: (typeof SCOPE)[keyof typeof SCOPE],
  sha512: (data: Uint8Array) => Uint8Array,
): GroupAddresses {
  return { ipv6: transientGroup(id, scope, sha512), ipv4: ipv4Group(id, sha512) };
}

/**
 * Refuses what cannot hold 80 bits: counted as if every character were drawn at random from its kind.
 * That is the most a text can have, not what it has.
 *
 * @throws {Mp2pError} `MP2P_WEAK_SECRET`
 */
export function assertStrongSecret(secret: string | Uint8Array): void {
  const bits =
    typeof secret === "string" ? secret.length * Math.log2(alphabetOf(secret)) : 8 * secret.length;
  const distinct = new Set<string | number>(secret).size;
  if (bits >= SECRET_BITS_MIN && distinct >= DISTINCT_MIN) return;
  throw new Mp2pError(
    "MP2P_WEAK_SECRET",
    `a group's secret needs ${SECRET_BITS_MIN} bits, and this one can be guessed`,
    { hint: "use 16 random bytes, or 26 random lower-case letters" },
  );
}

function alphabetOf(text: string): number {
  let size = 1;
  if (/[0-9]/.test(text)) size += 10;
  if (/[a-z]/.test(text)) size += 26;
  if (/[A-Z]/.test(text)) size += 26;
  if (/[^0-9a-zA-Z]/.test(text)) size += 32;
  return size;
}

function field(bytes: Uint8Array): Uint8Array {
  if (bytes.length > FIELD_BYTES_MAX)
    throw new RangeError("a group's terms have up to 65,535 bytes");
  const length = new Uint8Array(2);
  viewOf(length).setUint16(0, bytes.length);
  return concat(length, bytes);
}
