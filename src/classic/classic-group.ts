/**
 * The groups the original draws at random: ff1e::/16, ff3e:00 with a unicast prefix (RFC 3306), and
 * 224.x.y.x with y of 224 and up. Here they follow from the key, so that a node keeps its address
 * without a file; no peer can tell. docs/CLASSIC.md, "Addresses".
 */
import { type Address, formatAddress } from "../base/address.ts";
import { ascii, concat } from "../base/bytes.ts";

export type Family = 4 | 6;

/** RFC 3306: the part of a unicast prefix that a group has room for. */
export interface Prefix {
  /** 16 bytes. */
  readonly bytes: Uint8Array;
  readonly bits: number;
}

const LABEL: Uint8Array = ascii("mp2p/1 classic group\0");
const GLOBAL_TRANSIENT = [0xff, 0x1e] as const;
const GLOBAL_PREFIX = [0xff, 0x3e, 0x00] as const;
const LONGEST_PREFIX = 64;
const IPV4_FIRST = 0xe0;
const IPV4_THIRD = 0xe0;
const DYNAMIC_ID = 0x80;

/** @returns `"[ff1e:…]:port"` or `"224.…:port"` */
export function classicGroup(
  key: Uint8Array,
  family: Family,
  port: number,
  sha512: (data: Uint8Array) => Uint8Array,
): string {
  const hash = sha512(concat(LABEL, key));
  if (family === 4) {
    const [, second = 0, third = 0, fourth = 0] = hash;
    const bytes = Uint8Array.of(IPV4_FIRST, second, third | IPV4_THIRD, fourth);
    return formatAddress({ family, bytes, port });
  }
  const bytes = hash.slice(0, 16);
  bytes.set(GLOBAL_TRANSIENT);
  setDynamic(bytes);
  return formatAddress({ family, bytes, port });
}

/** `ff3e:00PL:prefix:id`, with the id of `classicGroup`. */
export function classicPrefixGroup(
  key: Uint8Array,
  prefix: Prefix,
  port: number,
  sha512: (data: Uint8Array) => Uint8Array,
): string {
  const bytes = sha512(concat(LABEL, key)).slice(0, 16);
  const bits = Math.min(prefix.bits, LONGEST_PREFIX);
  bytes.set([...GLOBAL_PREFIX, bits]);
  for (let at = 0; at < 8; at++) {
    const kept = Math.min(8, Math.max(0, bits - 8 * at));
    bytes[4 + at] = (prefix.bytes[at] as number) & (0xff << (8 - kept));
  }
  setDynamic(bytes);
  return formatAddress({ family: 6, bytes, port });
}

/** One of the three forms, so nothing that anybody else listens to by design. */
export function isClassicGroup({ family, bytes }: Address): boolean {
  const [first = 0, second = 0, third = 0, fourth = 0] = bytes;
  if (family === 4) return first === IPV4_FIRST && (third & IPV4_THIRD) === IPV4_THIRD;
  if (first !== 0xff) return false;
  const isPrefix = second === 0x3e && third === 0 && fourth >= 1 && fourth <= LONGEST_PREFIX;
  return second === 0x1e || isPrefix;
}

/** RFC 3307: ids that hosts draw have their top bit set; the original left it to chance. */
function setDynamic(bytes: Uint8Array): void {
  bytes[12] = (bytes[12] as number) | DYNAMIC_ID;
}
