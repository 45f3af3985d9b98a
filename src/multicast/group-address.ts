/**
 * The groups of an identity, from its key alone: whoever knows the key can reach it wherever multicast
 * is carried. docs/PROTOCOL.md, "Groups".
 *
 *   digest(scope) = SHA-512("mp2p/1 group\0" | scope u8 | key 32)
 *   IPv6  ff1s::gggg:gggg   group id = first 4 bytes of digest(s), top bit set (RFC 3307)
 *   IPv4  239.255.h.h       from digest(3), as RFC 2365 sets the IPv4 local scope beside IPv6's scope 3
 */

import { type Address, formatAddress } from "../base/address.ts";
import { ascii, concat, viewOf } from "../base/bytes.ts";

/** Every derived group is on this port, in both families: "mp2p" on a telephone's keys. */
export const GROUP_PORT = 6727;

/** The scope nibble of IPv6 multicast (RFC 7346). */
export const SCOPE = { link: 2, site: 5, organisation: 8, global: 14 } as const;
export type Scope = (typeof SCOPE)[keyof typeof SCOPE];
export const SCOPES: readonly Scope[] = Object.values(SCOPE);

export type Sha512 = (data: Uint8Array) => Uint8Array;

const LABEL: Uint8Array = ascii("mp2p/1 group\0");
const LAN_LABEL: Uint8Array = ascii("mp2p/1 lan\0");
const KEY_BYTES = 32;
/** RFC 3307: ids a host draws by itself have their top bit set. */
const DYNAMIC_ID = 0x8000_0000;
const TRANSIENT = 0x10;
/** T and P (RFC 3306). */
const PREFIX_BASED = 0x30;
const LONGEST_PREFIX = 64;
const IPV4_LOCAL_SCOPE = 3;

/** `"[ff12::8…]:6727"`: the transient IPv6 group of a key at one scope. */
export function transientGroup(key: Uint8Array, scope: Scope, sha512: Sha512): string {
  return formatIpv6(TRANSIENT, scope, new Uint8Array(10), digest(key, scope, sha512));
}

/** `"239.255.h.h:6727"`: the IPv4 group of a key (RFC 2365, local scope). */
export function ipv4Group(key: Uint8Array, sha512: Sha512): string {
  return formatLocalIpv4(digest(key, IPV4_LOCAL_SCOPE, sha512));
}

/** Every group an endpoint of this key listens to without knowing anything of the network. */
export function ownGroups(key: Uint8Array, sha512: Sha512): readonly string[] {
  return [...SCOPES.map((scope) => transientGroup(key, scope, sha512)), ipv4Group(key, sha512)];
}

/**
 * The groups of a network that announcements go to, of link scope: IPv6, then IPv4.
 *
 * @param network - 16 bytes, zeros for none
 */
export function lanGroups(network: Uint8Array, sha512: Sha512): readonly [string, string] {
  const hash = (scope: number) => sha512(concat(LAN_LABEL, Uint8Array.of(scope), network));
  return [
    formatIpv6(TRANSIENT, SCOPE.link, new Uint8Array(10), hash(SCOPE.link)),
    formatLocalIpv4(hash(IPV4_LOCAL_SCOPE)),
  ];
}

/**
 * `ff3s:00PL:prefix:id` (RFC 3306): unique wherever the prefix is, so two networks never share it by
 * chance. The group id is that of the transient group at the same scope.
 *
 * @param prefix - 16 bytes of a unicast address; bits behind `prefixBits` are left out
 * @param prefixBits - 1 to 64
 * @returns undefined where the scope reaches further than the prefix (RFC 3306) or the
 * prefix is none: link-local, loopback, multicast, unspecified, IPv4-mapped
 */
export function prefixGroup(
  key: Uint8Array,
  scope: Scope,
  prefix: Uint8Array,
  prefixBits: number,
  sha512: Sha512,
): string | undefined {
  if (prefix.length !== 16) throw new RangeError(`an IPv6 prefix has 16 bytes`);
  const isWhole = Number.isInteger(prefixBits) && prefixBits >= 1 && prefixBits <= LONGEST_PREFIX;
  if (!isWhole) throw new RangeError(`a prefix has 1 to 64 bits, not ${prefixBits}`);
  if (scope > widestScope(prefix)) return undefined;
  const middle = new Uint8Array(10);
  middle[1] = prefixBits;
  for (let at = 0; at < 8; at++) {
    const bits = Math.min(8, Math.max(0, prefixBits - 8 * at));
    middle[2 + at] = (prefix[at] as number) & ((0xff << (8 - bits)) & 0xff);
  }
  return formatIpv6(PREFIX_BASED, scope, middle, digest(key, scope, sha512));
}

/** `ff3s::8xxx:xxxx`: the source-specific group of a key (RFC 4607); prefix length 0. */
export function sourceSpecificGroup(key: Uint8Array, scope: Scope, sha512: Sha512): string {
  return formatIpv6(PREFIX_BASED, scope, new Uint8Array(10), digest(key, scope, sha512));
}

/** `232.h.h.h`: the source-specific IPv4 group of a key. RFC 4607 keeps 232.0.0/24. */
export function sourceSpecificIpv4Group(key: Uint8Array, sha512: Sha512): string {
  const hash = digest(key, SCOPE.global, sha512);
  // x.0.0.x and x.128.0.x share their Ethernet address with 224.0.0.x, which switches flood.
  const isQuiet = ([high, middle]: Uint8Array): boolean =>
    ((high ?? 0) & 0x7f) !== 0 || middle !== 0;
  const bytes = concat(Uint8Array.of(232), window(hash, 3, isQuiet));
  return formatAddress({ family: 4, bytes, port: GROUP_PORT });
}

function digest(key: Uint8Array, scope: number, sha512: Sha512): Uint8Array {
  if (key.length !== KEY_BYTES) throw new RangeError(`a key has 32 bytes, not ${key.length}`);
  return sha512(concat(LABEL, Uint8Array.of(scope), key));
}

/** The widest scope a multicast group built on this unicast prefix may have; 0 for no prefix at all. */
function widestScope(prefix: Uint8Array): number {
  const first = prefix[0] as number;
  if ((first & 0xfe) === 0xfc) return SCOPE.organisation;
  return (first & 0xe0) === 0x20 ? SCOPE.global : 0;
}

/** The first aligned `length` bytes of the digest that will do; the odds that none does are 2^-256. */
function window(
  hash: Uint8Array,
  length: 2 | 3,
  isFit: (bytes: Uint8Array) => boolean,
): Uint8Array {
  for (let at = 0; at + length <= hash.length; at += length) {
    const bytes = hash.subarray(at, at + length);
    if (isFit(bytes)) return bytes;
  }
  throw new RangeError("a digest without a usable address");
}

/** RFC 2365: the highest 256 addresses of a scope serve SSDP, SLP and the like. */
function formatLocalIpv4(hash: Uint8Array): string {
  const low = window(hash, 2, ([first]) => first !== 0xff);
  const bytes = concat(Uint8Array.of(239, 255), low);
  return formatAddress({ family: 4, bytes, port: GROUP_PORT });
}

function formatIpv6(flags: number, scope: Scope, middle: Uint8Array, hash: Uint8Array): string {
  const bytes = new Uint8Array(16);
  bytes[0] = 0xff;
  bytes[1] = flags | scope;
  bytes.set(middle, 2);
  viewOf(bytes).setUint32(12, (viewOf(hash).getUint32(0) | DYNAMIC_ID) >>> 0);
  const address: Address = { family: 6, bytes, port: GROUP_PORT };
  return formatAddress(address);
}
