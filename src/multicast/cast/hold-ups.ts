/**
 * What is live is read on only as far as everybody has what lies long before: who keeps all others waiting for
 * that most of the time, and is not waited for otherwise, gets on below the floor, whatever it says of itself.
 */
import { LOST_MS } from "./absence.ts";
import type { Peer } from "./peer.ts";

/** Each moment in which it holds nobody up makes good for so many: below a fifth of the others' rate it is too slow. */
const FORGIVEN = 4;
/** The sender itself was busy, or asleep. */
const STEP_MOST_MS = 1000;

export class HoldUps {
  readonly #heldMs = new WeakMap<Peer, number>();
  #turnedAt: number | undefined;

  /**
   * @param peers - whose parts are kept
   * @param oldest - whoever misses this block, or one below, keeps more from being read; undefined where nobody does
   * @returns who is to be waited for no longer
   */
  turn(peers: readonly Peer[], oldest: number | undefined, now: number): Peer[] {
    const ms = Math.min(STEP_MOST_MS, now - (this.#turnedAt ?? now));
    this.#turnedAt = now;
    const holders = new Set(peers.filter(({ next }) => next <= (oldest ?? -1)));
    // Receivers that are slow together hold nobody up.
    const areFew = holders.size * 2 <= peers.length;
    return peers.filter((peer) => {
      const before = this.#heldMs.get(peer) ?? 0;
      const isHolding = areFew && holders.has(peer);
      const heldMs = isHolding ? before + ms : Math.max(0, before - FORGIVEN * ms);
      this.#heldMs.set(peer, heldMs);
      return heldMs >= LOST_MS.live;
    });
  }
}
