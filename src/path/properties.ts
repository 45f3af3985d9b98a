/** What follows from an address for the path to it. */
import type { GroupLimits, PathProperties } from "../session/contract.ts";
import { isGroup, isIpv6, isLoopback } from "./ladder.ts";

/**
 * WIRE item 29. Wi-Fi sends to groups at its slowest rate and without acknowledgement (RFC 9119), and
 * everybody on the link gets what one asked for: so a group path is slow unless somebody lifts this.
 */
export const GROUP_BITS_PER_SECOND = 8_000_000;
const GROUP_PACKET_BYTES = 1200;
const GROUP_TRAIN_PACKETS = 10;
const BITS_PER_MS_AND_BYTE = 8000;

export function propertiesOf(address: string, groupBitsPerSecond: number): PathProperties {
  const properties = { loopback: isLoopback(address), ipv6: isIpv6(address) };
  if (!isGroup(address)) return properties;
  const group: GroupLimits = {
    packetBytes: GROUP_PACKET_BYTES,
    trainPackets: GROUP_TRAIN_PACKETS,
    capBytesPerMs: groupBitsPerSecond / BITS_PER_MS_AND_BYTE,
  };
  return { ...properties, group };
}
