/** How fast packets come out at the other end: the highest number that anybody reported, over time. */
import type { Peer } from "./peer.ts";

export class Frontier {
  /** Packets a millisecond, those lost before it included, over the last step; 0 where nothing is known. */
  rate = 0;
  #channel = -1;
  #largest = -1;
  #at = 0;

  step(peers: readonly Peer[]): void {
    let foremost: Peer | undefined;
    for (const peer of peers) if (peer.largest > (foremost?.largest ?? -1)) foremost = peer;
    if (foremost === undefined) return;
    const { channel, largest, statusAt } = foremost;
    const isFollowing = channel === this.#channel && statusAt > this.#at;
    const packets = largest - this.#largest;
    this.rate = isFollowing ? packets / (statusAt - this.#at) : 0;
    this.#channel = channel;
    this.#largest = largest;
    this.#at = statusAt;
  }
}
