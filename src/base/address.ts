/**
 * IP addresses with ports as text, the one form that crosses layers: `"192.0.2.1:5000"`,
 * `"[2001:db8::1]:5000"`, `"[fe80::1%eth0]:5000"`, and for a group on one interface
 * `"[ff12::8000:1%eth0]:6727"`, `"239.255.1.2%eth0:6727"`. Equal addresses have equal text.
 */

export interface Address {
  readonly family: 4 | 6;
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  readonly port: number;
  /** Interface of a link-local IPv6 address or of a multicast group, as written after `%`. */
  readonly scope?: string;
}

export type Reach = "loopback" | "lan" | "direct";

/** @returns undefined for anything but an IP address with a port; host names are not looked up. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([^\]%]+)(?:%([^\]%]+))?\]|([0-9.]+)(?:%([^:%]+))?):([0-9]{1,5})$/.exec(
    text,
  );
  if (match === null) return undefined;
  const [, ipv6, ipv6Scope, ipv4 = "", ipv4Scope, digits] = match;
  const port = Number(digits);
  if (port > 65_535) return undefined;
  const bytes = ipv6 === undefined ? parseIpv4(ipv4) : parseIpv6(ipv6);
  const scope = ipv6Scope ?? ipv4Scope;
  if (bytes === undefined || (ipv4Scope !== undefined && !isMulticastIpv4(bytes))) return undefined;
  const family = ipv6 === undefined ? 4 : 6;
  return { family, bytes, port, ...(scope === undefined ? {} : { scope }) };
}

/** Whether this is a group, of either family. */
export function isMulticast({ family, bytes }: Address): boolean {
  return family === 4 ? isMulticastIpv4(bytes) : bytes[0] === 0xff;
}

function isMulticastIpv4([first = 0]: Uint8Array): boolean {
  return first >> 4 === 14;
}

export function formatAddress(address: Address): string {
  const scope = address.scope === undefined ? "" : `%${address.scope}`;
  if (address.family === 4) return `${address.bytes.join(".")}${scope}:${address.port}`;
  return `[${formatIpv6(address.bytes)}${scope}]:${address.port}`;
}

/** @returns undefined for addresses nobody can be reached at: unspecified, multicast, broadcast. */
export function reachOf({ family, bytes }: Address): Reach | undefined {
  return family === 4 ? reachOfIpv4(bytes) : reachOfIpv6(bytes);
}

function reachOfIpv4([a = 0, b = 0]: Uint8Array): Reach | undefined {
  if (a === 0 || a >= 224) return undefined;
  if (a === 127) return "loopback";
  const isPrivate = a === 10 || (a === 172 && b >> 4 === 1) || (a === 192 && b === 168);
  return isPrivate || (a === 169 && b === 254) ? "lan" : "direct";
}

function reachOfIpv6(bytes: Uint8Array): Reach | undefined {
  const [a = 0, b = 0] = bytes;
  if (bytes.subarray(0, 15).every((byte) => byte === 0)) {
    return bytes[15] === 1 ? "loopback" : undefined;
  }
  if (a === 0xff) return undefined;
  return (a & 0xfe) === 0xfc || (a === 0xfe && (b & 0xc0) === 0x80) ? "lan" : "direct";
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [at, part] of parts.entries()) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[at] = Number(part);
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(parseGroups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<number>(Math.max(0, missing)).fill(0), ...(tail ?? [])];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  for (const part of text.split(":")) {
    const dotted = part.includes(".") ? parseIpv4(part) : undefined;
    if (dotted !== undefined) {
      const [a = 0, b = 0, c = 0, d = 0] = dotted;
      groups.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** RFC 5952: lower case, the first longest run of two or more zero groups shortened. */
function formatIpv6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (best.at < 0) return hex(groups);
  return `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`;
}
