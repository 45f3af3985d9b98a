/**
 * ANNOUNCE packets: hints that leave by groups. Byte tables: docs/PROTOCOL.md, "Announcements".
 *
 *   peer     0x58 | 1 | 0 | n | key 32 | static key 32 | instance 8 | seq 8 | ttl 2 | {ip 16, port 2} * n | sig 64
 *   cast     0x58 | 1 | 1 | n | … as of a peer … | {ip 16, port 2} * n | cast id 16 | sig 64
 *   private  0x58 | 1 | 3 | 0 | nonce 12 | tag 16 | box of (n 1 | static key 32 | instance 8 | seq 8 |
 *            ttl 2 | {ip 16, port 2} * 8 | sig 64)                                                     307
 *   query    0x58 | 1 | 4 | 0 | nonce 12 | tag 16 | zeros                                              320
 */
import { concat, viewOf } from "../base/bytes.ts";
import { parseSocketAddress, writeSocketAddress } from "./socket-address.ts";

export const ANNOUNCE = 0x58;
/** Byte 2 of an ANNOUNCE. */
export const ANNOUNCE_KIND = { peer: 0, cast: 1, group: 2, private: 3, query: 4 } as const;
export const ANNOUNCED_ADDRESSES_MAX = 8;

const VERSION = 1;
const HEAD_BYTES = 4;
const PEER = { key: 4, static: 36, instance: 68, seq: 76, ttl: 84, addresses: 86 } as const;
const ADDRESS_BYTES = 18;
const SIGNATURE_BYTES = 64;
const CAST_ID_BYTES = 16;
/** Of private announcements and queries. */
const SEALED = { nonce: 4, tag: 16, box: 32 } as const;
const INNER = { static: 1, addresses: 51 } as const;
const INNER_BYTES = 259;
const TAG_BYTES = 16;
/** Longer than the longest answer. */
export const QUERY_BYTES = 320;
const PRIVATE_BYTES = SEALED.box + INNER_BYTES + TAG_BYTES;

/** What is signed, and what a reader learns. */
export interface PeerAnnouncement {
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  /** X25519 static key, 32 bytes: the signature binds it to `key`. */
  readonly staticKey: Uint8Array;
  /** 8 bytes. */
  readonly instance: Uint8Array;
  /** Higher than any before of this key and instance; below 2^53. */
  readonly seq: number;
  /** How long it may be believed; 0: the endpoint is going away. */
  readonly ttlSeconds: number;
  /** `"192.0.2.1:5000"`; groups among them. At most 8. */
  readonly addresses: readonly string[];
}

export interface SignedAnnouncement extends PeerAnnouncement {
  /** What the signature covers, but for label and group. */
  readonly signed: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** A cast that is on: where its sender is, and which it is. */
export interface SignedCastAnnouncement extends SignedAnnouncement {
  /** 16 bytes. */
  readonly castId: Uint8Array;
}

/** The head that private announcements and queries share. */
export interface TaggedAnnouncement {
  /** Covered by the tag: head and nonce. */
  readonly head: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  /** 16 bytes; of a query to everyone, zeros. */
  readonly tag: Uint8Array;
  /** Sealed, of a private announcement. */
  readonly box: Uint8Array;
}

/** The bytes that a signature covers, but for label and group; the packet of a peer announcement but for its end. */
export function announcementBody(
  kind: (typeof ANNOUNCE_KIND)["peer" | "cast" | "private"],
  { key, staticKey, instance, seq, ttlSeconds, addresses }: PeerAnnouncement,
): Uint8Array {
  const entries = addresses.map((text) => {
    const bytes = writeSocketAddress(text);
    if (bytes === undefined) throw new TypeError(`not an address: ${JSON.stringify(text)}`);
    return bytes;
  });
  if (entries.length > ANNOUNCED_ADDRESSES_MAX)
    throw new RangeError(`an announcement holds at most ${ANNOUNCED_ADDRESSES_MAX} addresses`);
  const numbers = new Uint8Array(10);
  viewOf(numbers).setBigUint64(0, BigInt(seq));
  viewOf(numbers).setUint16(8, ttlSeconds);
  const head = Uint8Array.of(ANNOUNCE, VERSION, kind, entries.length);
  return concat(head, key, staticKey, instance, numbers, ...entries);
}

/** @returns undefined for anything but a well-formed peer announcement; nothing is verified */
export function parsePeerAnnouncement(packet: Uint8Array): SignedAnnouncement | undefined {
  if (kindOf(packet) !== ANNOUNCE_KIND.peer) return undefined;
  const end = packet.length - SIGNATURE_BYTES;
  return end < PEER.addresses ? undefined : parseBody(packet.slice(0, end), packet.slice(end));
}

/** @param castId - 16 bytes */
export function castAnnouncementBody(
  announcement: PeerAnnouncement,
  castId: Uint8Array,
): Uint8Array {
  return concat(announcementBody(ANNOUNCE_KIND.cast, announcement), castId);
}

/** @returns undefined for anything but a well-formed cast announcement; nothing is verified */
export function parseCastAnnouncement(packet: Uint8Array): SignedCastAnnouncement | undefined {
  if (kindOf(packet) !== ANNOUNCE_KIND.cast) return undefined;
  const end = packet.length - SIGNATURE_BYTES;
  const idAt = end - CAST_ID_BYTES;
  if (idAt < PEER.addresses) return undefined;
  const sender = parseBody(packet.slice(0, idAt), packet.slice(end));
  return sender && { ...sender, signed: packet.slice(0, end), castId: packet.slice(idAt, end) };
}

/** What a private announcement has in its box. */
export function privateInner(body: Uint8Array, signature: Uint8Array): Uint8Array {
  const inner = new Uint8Array(INNER_BYTES);
  inner[0] = body[3] as number;
  inner.set(body.subarray(PEER.static), INNER.static);
  inner.set(signature, INNER_BYTES - SIGNATURE_BYTES);
  return inner;
}

/** @returns undefined where the inside of a box is malformed; nothing is verified */
export function parsePrivateInner(
  key: Uint8Array,
  inner: Uint8Array,
): SignedAnnouncement | undefined {
  if (inner.length !== INNER_BYTES) return undefined;
  const count = inner[0] as number;
  if (count > ANNOUNCED_ADDRESSES_MAX) return undefined;
  const end = INNER.addresses + count * ADDRESS_BYTES;
  const padding = inner.subarray(end, INNER_BYTES - SIGNATURE_BYTES);
  if (padding.some((byte) => byte !== 0)) return undefined;
  const head = Uint8Array.of(ANNOUNCE, VERSION, ANNOUNCE_KIND.private, count);
  const body = concat(head, key, inner.subarray(INNER.static, end));
  return parseBody(body, inner.slice(INNER_BYTES - SIGNATURE_BYTES));
}

/** Head and nonce, which the tag covers. @param nonce - 12 bytes */
export function taggedHead(
  kind: typeof ANNOUNCE_KIND.private | typeof ANNOUNCE_KIND.query,
  nonce: Uint8Array,
): Uint8Array {
  return concat(Uint8Array.of(ANNOUNCE, VERSION, kind, 0), nonce);
}

/** @param tag - 16 bytes */
export function writeQuery(head: Uint8Array, tag: Uint8Array): Uint8Array {
  const packet = new Uint8Array(QUERY_BYTES);
  packet.set(head);
  packet.set(tag, SEALED.tag);
  return packet;
}

export function parsePrivate(packet: Uint8Array): TaggedAnnouncement | undefined {
  const isOne = kindOf(packet) === ANNOUNCE_KIND.private && packet[3] === 0;
  return isOne && packet.length === PRIVATE_BYTES ? tagged(packet) : undefined;
}

export function parseQuery(packet: Uint8Array): TaggedAnnouncement | undefined {
  const isOne = kindOf(packet) === ANNOUNCE_KIND.query && packet[3] === 0;
  return isOne && packet.length >= QUERY_BYTES ? tagged(packet) : undefined;
}

function kindOf(packet: Uint8Array): number | undefined {
  if (packet.length < HEAD_BYTES || packet[0] !== ANNOUNCE) return undefined;
  return packet[1] === VERSION ? packet[2] : undefined;
}

function tagged(packet: Uint8Array): TaggedAnnouncement {
  return {
    head: packet.slice(0, SEALED.tag),
    nonce: packet.slice(SEALED.nonce, SEALED.tag),
    tag: packet.slice(SEALED.tag, SEALED.box),
    box: packet.slice(SEALED.box),
  };
}

function parseBody(body: Uint8Array, signature: Uint8Array): SignedAnnouncement | undefined {
  const count = body[3] as number;
  if (count > ANNOUNCED_ADDRESSES_MAX) return undefined;
  if (body.length !== PEER.addresses + count * ADDRESS_BYTES) return undefined;
  const view = viewOf(body);
  const seq = Number(view.getBigUint64(PEER.seq));
  if (!Number.isSafeInteger(seq)) return undefined;
  const addresses = Array.from({ length: count }, (_, index) => {
    const at = PEER.addresses + index * ADDRESS_BYTES;
    return parseSocketAddress(body.subarray(at, at + ADDRESS_BYTES)) as string;
  });
  return {
    key: body.subarray(PEER.key, PEER.static),
    staticKey: body.subarray(PEER.static, PEER.instance),
    instance: body.subarray(PEER.instance, PEER.seq),
    seq,
    ttlSeconds: view.getUint16(PEER.ttl),
    addresses,
    signed: body,
    signature,
  };
}
