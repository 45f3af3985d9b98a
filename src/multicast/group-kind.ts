/**
 * What a multicast address is: read from its bytes alone, for groups that users choose and tickets
 * carry. RFC 4291 section 2.7 (flags and scope), RFC 3306, RFC 3307, RFC 4607, RFC 2365.
 */
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import { viewOf } from "../base/bytes.ts";
import { GROUP_PORT, type Scope } from "./group-address.ts";

export type GroupKind =
  /** Anyone may use it: IPv6 with T set, IPv4 239/8. */
  | "transient"
  /** RFC 3306: belongs to the network whose prefix it holds. */
  | "prefix"
  /** RFC 4607: joined together with a source. */
  | "source-specific"
  /** Assigned by IANA or to somebody: not ours to choose. */
  | "assigned";

export interface Group {
  /** As `formatAddress` writes it, port included. */
  readonly address: string;
  readonly kind: GroupKind;
  /** IPv6 scope nibble, and its likes of RFC 2365 for IPv4. */
  readonly scope: number;
  /** RFC 3306 groups only: how many bits of the prefix count. */
  readonly prefixBits?: number;
}

const FLAGS = { transient: 1, prefix: 2, rendezvousPoint: 4 } as const;
const SCOPES_OF_HOSTS = { lowest: 1, highest: 14 } as const;
const TOP_BIT = 0x80;

/**
 * Reads a group as people write it: `ff15::8000:1`, `239.255.1.2`, either with a port.
 *
 * @returns undefined for anything but a multicast address with a scope that leaves the host
 */
export function parseGroup(text: string, port: number = GROUP_PORT): Group | undefined {
  const withPort = /^\[|^[0-9.]+:[0-9]+$/.test(text)
    ? text
    : text.includes(":")
      ? `[${text}]:${port}`
      : `${text}:${port}`;
  const address = parseAddress(withPort);
  if (address === undefined || address.port === 0 || address.scope !== undefined) return undefined;
  return address.family === 4 ? ipv4Kind(address) : ipv6Kind(address);
}

/** A transient group that nobody derived from a key. @param random - 4 bytes */
export function randomGroup(scope: Scope, random: Uint8Array, port: number = GROUP_PORT): string {
  const bytes = new Uint8Array(16);
  bytes.set([0xff, 0x10 | scope]);
  bytes.set(random.subarray(0, 4), 12);
  bytes[12] = (bytes[12] as number) | TOP_BIT;
  return formatAddress({ family: 6, bytes, port });
}

function ipv4Kind(address: Address): Group | undefined {
  const [a = 0, b = 0, c = 0] = address.bytes;
  if (a < 224 || a > 239) return undefined;
  const group = { address: formatAddress(address), scope: ipv4Scope(a, b, c) };
  if (a === 232) return { ...group, kind: b + c === 0 ? "assigned" : "source-specific" };
  // RFC 2365: the highest 256 addresses of each scope are given out by IANA.
  const isRelative = c === 255 && (b === 255 || b === 195);
  return { ...group, kind: a === 239 && !isRelative ? "transient" : "assigned" };
}

function ipv4Scope(a: number, b: number, c: number): number {
  if (a === 239) return b === 255 ? 3 : (b & 0xfc) === 192 ? 8 : 5;
  return a === 224 && b === 0 && c === 0 ? 2 : 14;
}

function ipv6Kind(address: Address): Group | undefined {
  const [first = 0, second = 0, reserved = 0, prefixBits = 0] = address.bytes;
  if (first !== 0xff) return undefined;
  const flags = second >> 4;
  const scope = second & 15;
  if (scope < SCOPES_OF_HOSTS.lowest || scope > SCOPES_OF_HOSTS.highest) return undefined;
  const group = { address: formatAddress(address), scope };
  const isTransient = (flags & FLAGS.transient) !== 0;
  const isPrefix = (flags & FLAGS.prefix) !== 0;
  if (flags >= 8 || (isPrefix && !isTransient)) return undefined;
  if (!isTransient || (flags & FLAGS.rendezvousPoint) !== 0) return { ...group, kind: "assigned" };
  if (!isPrefix) return { ...group, kind: "transient" };
  if (reserved !== 0 || prefixBits > 64) return undefined;
  if (prefixBits > 0) return { ...group, kind: "prefix", prefixBits };
  // RFC 4607: ff3x::/96, ids from 8000:0000 are for hosts to draw.
  const isSourceSpecific = address.bytes.subarray(4, 12).every((byte) => byte === 0);
  if (!isSourceSpecific) return undefined;
  const isDynamic = viewOf(address.bytes).getUint8(12) >= TOP_BIT;
  return { ...group, kind: isDynamic ? "source-specific" : "assigned" };
}
