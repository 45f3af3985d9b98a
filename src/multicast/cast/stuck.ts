/**
 * Receivers that hear us, but nothing of the content: packets of its size do not come through, since a
 * link on the way takes smaller ones by now. A cast cannot change its packets, streams can.
 */
import type { Geometry } from "./geometry.ts";
import type { Peer } from "./peer.ts";

/** Nothing was written for so long, and for as long as these many blocks take. */
const STUCK_MS = 5000;
const BLOCKS = 4;
/** A rate that was found may be low for the very reason that nothing comes through. */
const BLOCKS_MS_MOST = 10_000;

export interface Pace {
  /** Bytes a millisecond. */
  readonly rate: number;
  /** It was not found but given. */
  readonly isFixed: boolean;
}

/**
 * @param hearers - who is sent content by groups
 * @param block - the next to be sent
 * @returns those that are to get theirs by stream
 */
export function stuckPeers(
  hearers: readonly Peer[],
  block: number,
  { isLive, blockBytes, packetBytes }: Geometry,
  { rate, isFixed }: Pace,
): Peer[] {
  const blocksMs = (BLOCKS * blockBytes) / rate;
  const patienceMs = STUCK_MS + (isFixed ? blocksMs : Math.min(BLOCKS_MS_MOST, blocksMs));
  return hearers.filter((peer) => {
    // What is live may have nothing new to send, and a full receiver has no room.
    const isServed = isLive ? peer.next < block : peer.next <= block;
    const hasRoom = (peer.status?.windowBytes ?? 0) >= packetBytes;
    if (!isServed || !hasRoom) peer.waitsFrom = Infinity;
    else if (peer.waitsFrom === Infinity) peer.waitsFrom = peer.statusAt;
    return peer.statusAt - Math.max(peer.waitsFrom, peer.progressAt) >= patienceMs;
  });
}
