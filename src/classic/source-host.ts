/** Who shares a limit: one IPv4 address, one IPv6 /64, or one neighbour on the link. */
import { parseAddress, reachOf } from "../base/address.ts";
import { toHex } from "../base/bytes.ts";

const IPV6_HOST_BYTES = 8;

/** @param source - `"192.0.2.1:1025"` */
export function sourceHost(source: string): string {
  const address = parseAddress(source);
  if (address === undefined) return source;
  const isLocal = address.family === 4 || reachOf(address) === "lan";
  return toHex(isLocal ? address.bytes : address.bytes.subarray(0, IPV6_HOST_BYTES));
}
