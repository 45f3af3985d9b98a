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
