/** How many packets may be on their way, by what receivers say they have room for. */
import type { Channel } from "./channels.ts";
import type { Peer } from "./peer.ts";

/** Of a kernel's buffer: the rest is bookkeeping of packets in it. */
const USABLE = 0.5;
const PACKETS_LEAST = 16;

export interface WindowOptions {
  readonly packetBytes: number;
  /** Not each one is heard of in time: what the foremost has, the others have about as much behind as before. */
  readonly isSampled: boolean;
  /** The roomiest decides, not the one with the least room. */
  readonly isFast: boolean;
}

export interface Window {
  readonly packets: number;
  /** Who closes it. */
  readonly holder: Peer | undefined;
}

/** @param peers - those whose room counts */
export function windowOf(
  peers: readonly Peer[],
  channels: readonly Channel[],
  { packetBytes, isSampled, isFast }: WindowOptions,
): Window {
  const foremost = Math.max(...peers.map(({ largest }) => largest));
  let least = Infinity;
  let most = 0;
  let holder: Peer | undefined;
  for (const peer of peers) {
    const channel = channels.find(({ number }) => number === peer.channel);
    if (channel === undefined) continue;
    const seen = isSampled ? foremost - peer.lag : peer.largest;
    const room = Math.floor((USABLE * (peer.status?.windowBytes ?? 0)) / packetBytes);
    const packets = room - (channel.next - 1 - seen);
    most = Math.max(most, packets);
    if (packets >= least) continue;
    least = packets;
    if (packets <= 0) holder = peer;
  }
  if (isFast) return { packets: most, holder: undefined };
  return { packets: least === Infinity ? PACKETS_LEAST : least, holder };
}
