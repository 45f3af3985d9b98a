import { type Address, reachOf } from "../base/address.ts";

/**
 * Whether a ticket may name an address: one that a single machine can own and a stranger can be sent
 * to. Broadcast, multicast, reserved and unspecified addresses would make a caller a reflector; a
 * link-local IPv6 address means nothing on another machine; an IPv4-mapped one is a second spelling.
 *
 * @param sameHost - the peer is on the same machine, so loopback addresses mean the same there
 */
export function isTicketCandidate(address: Address, sameHost: boolean): boolean {
  const { family, bytes, port } = address;
  const reach = reachOf(address);
  if (port === 0 || reach === undefined) return false;
  if (reach === "loopback") return sameHost;
  if (family === 4) return true;
  const isLinkLocal = bytes[0] === 0xfe && ((bytes[1] as number) & 0xc0) === 0x80;
  // ::/80 holds, besides those judged above, the IPv4-mapped and the IPv4-compatible addresses.
  return !isLinkLocal && bytes.subarray(0, 10).some((byte) => byte !== 0);
}

const FLAGS = { transient: 1, rendezvousPoint: 4, reserved: 8 } as const;

/**
 * Whether a ticket may name a multicast group: one that users may choose (docs/PROTOCOL.md, "Groups").
 * What is assigned to others, SSDP's group above all, would answer a caller with what it never asked for.
 */
export function isTicketGroup({ family, bytes, port, scope }: Address): boolean {
  const [a = 0, b = 0, c = 0] = bytes;
  if (port === 0 || scope !== undefined) return false;
  if (family === 4) {
    // RFC 2365: the highest 256 addresses of a scope are given out; RFC 4607 keeps 232.0.0/24.
    if (a === 239) return c !== 255 || (b !== 255 && b !== 195);
    return a === 232 && (b !== 0 || c !== 0);
  }
  const flags = b >> 4;
  const reach = b & 15;
  const isFree = (flags & FLAGS.transient) !== 0 && (flags & FLAGS.rendezvousPoint) === 0;
  return a === 0xff && isFree && flags < FLAGS.reserved && reach > 1 && reach < 15;
}
