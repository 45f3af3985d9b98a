/**
 * Announcements signed and verified, sealed and opened. docs/PROTOCOL.md, "Announcements". The key of
 * private ones follows from the public key of whom they are of: who knows it reads them, and nobody else.
 */
import type { Primitives } from "../backend/port.ts";
import { parseAddress } from "../base/address.ts";
import { ascii, concat, equalSecrets } from "../base/bytes.ts";
import {
  ANNOUNCE_KIND,
  announcementBody,
  castAnnouncementBody,
  type PeerAnnouncement,
  parsePrivateInner,
  privateInner,
  type SignedAnnouncement,
  type TaggedAnnouncement,
  taggedHead,
  writeQuery,
} from "../wire/announce.ts";

const LABEL: Uint8Array = ascii("mp2p/1 announce\0");
const KEY_INFO: Uint8Array = ascii("mp2p/1 announce key\0");
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const KEY_BYTES = 32;
const EVERYONE: Uint8Array = new Uint8Array(TAG_BYTES);

/** Signs with the identity key. */
export type Sign = (message: Uint8Array) => Uint8Array;

/** What whoever knows a public key can tag and read. */
export interface AnnounceKey {
  /** 32 bytes each. */
  readonly tagKey: Uint8Array;
  readonly boxKey: Uint8Array;
}

/** @param network - 16 bytes, zeros for none */
export function announceKey(
  primitives: Primitives,
  key: Uint8Array,
  network: Uint8Array,
): AnnounceKey {
  const both = primitives.hkdfSha512(network, key, KEY_INFO, 2 * KEY_BYTES);
  return { tagKey: both.subarray(0, KEY_BYTES), boxKey: both.subarray(KEY_BYTES) };
}

/** @param group - the group it is sent to, `"[ff12::8000:1]:6727"`: elsewhere it is worth nothing */
export function writePeer(announcement: PeerAnnouncement, group: string, sign: Sign): Uint8Array {
  const body = announcementBody(ANNOUNCE_KIND.peer, announcement);
  return concat(body, sign(concat(LABEL, groupBytes(group), body)));
}

/** @param castId - 16 bytes */
export function writeCast(
  announcement: PeerAnnouncement,
  castId: Uint8Array,
  group: string,
  sign: Sign,
): Uint8Array {
  const body = castAnnouncementBody(announcement, castId);
  return concat(body, sign(concat(LABEL, groupBytes(group), body)));
}

export function writePrivate(
  primitives: Primitives,
  announcement: PeerAnnouncement,
  group: string,
  keys: AnnounceKey,
  sign: Sign,
): Uint8Array {
  const body = announcementBody(ANNOUNCE_KIND.private, announcement);
  const signature = sign(concat(LABEL, groupBytes(group), body));
  const nonce = primitives.randomBytes(NONCE_BYTES);
  const head = taggedHead(ANNOUNCE_KIND.private, nonce);
  const tag = tagOf(primitives, keys, group, head);
  const inner = privateInner(body, signature);
  const header = concat(groupBytes(group), head, tag);
  return concat(head, tag, primitives.seal(keys.boxKey, nonce, header, inner));
}

/** @returns undefined where it is of another key, of another group, or made up */
export function openPrivate(
  primitives: Primitives,
  { head, nonce, tag, box }: TaggedAnnouncement,
  group: string,
  key: Uint8Array,
  keys: AnnounceKey,
): SignedAnnouncement | undefined {
  if (!equalSecrets(tag, tagOf(primitives, keys, group, head))) return undefined;
  const inner = primitives.open(keys.boxKey, nonce, concat(groupBytes(group), head, tag), box);
  return inner && parsePrivateInner(key, inner);
}

export function isSigned(
  primitives: Primitives,
  { key, signed, signature }: SignedAnnouncement,
  group: string,
): boolean {
  return primitives.ed25519Verify(key, concat(LABEL, groupBytes(group), signed), signature);
}

/** @param keys - of the peer that is sought; undefined for everyone */
export function writeTaggedQuery(
  primitives: Primitives,
  group: string,
  keys: AnnounceKey | undefined,
): Uint8Array {
  const head = taggedHead(ANNOUNCE_KIND.query, primitives.randomBytes(NONCE_BYTES));
  return writeQuery(head, keys === undefined ? EVERYONE : tagOf(primitives, keys, group, head));
}

/** Whom a query asks, as seen by the holder of these keys. */
export function askedBy(
  primitives: Primitives,
  { head, tag }: TaggedAnnouncement,
  group: string,
  keys: AnnounceKey,
): "us" | "everyone" | undefined {
  if (tag.every((byte) => byte === 0)) return "everyone";
  return equalSecrets(tag, tagOf(primitives, keys, group, head)) ? "us" : undefined;
}

function tagOf(
  primitives: Primitives,
  { tagKey }: AnnounceKey,
  group: string,
  head: Uint8Array,
): Uint8Array {
  return primitives.hmacSha512(tagKey, concat(groupBytes(group), head)).subarray(0, TAG_BYTES);
}

/** 16 bytes, IPv4 as `::ffff:a.b.c.d`. */
function groupBytes(group: string): Uint8Array {
  const address = parseAddress(group);
  if (address === undefined) throw new RangeError(`not a group: ${JSON.stringify(group)}`);
  if (address.family === 6) return address.bytes;
  return concat(new Uint8Array(10), Uint8Array.of(255, 255), address.bytes);
}
