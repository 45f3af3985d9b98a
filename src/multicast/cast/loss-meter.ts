/** Tells congestion from noise at one receiver: noise is there at every rate, and without queues. */
import type { Peer } from "./peer.ts";

/** Fewer packets say nothing. */
const PACKETS_LEAST = 20;
const LOSSES_LEAST = 3;
/** Rounds over which the least loss is what the path loses anyway. */
const ROUNDS = 32;
const EXCESS = 0.02;
/** Beside a longer round trip less is proof enough. */
const EXCESS_QUEUED = 0.005;
const QUEUED_FACTOR = 1.5;
const QUEUED_MS = 3;
/** What no path loses by noise. */
const ABSURD = 0.1;
const SIGMAS = 4;

export type Verdict = "none" | "calm" | "congested";

export class LossMeter {
  /** Bytes a millisecond that came in the last round. */
  deliveredPackets = 0;
  /** Of the last round. */
  loss = 0;
  #largest = -1;
  #received = 0;
  #drops = 0;
  #losses: number[] = [];

  /** What the path loses anyway. */
  get noise(): number {
    return this.#losses.length === 0 ? 0 : Math.min(...this.#losses);
  }

  /** A new channel, or a new start: what was counted before says nothing. */
  restart(peer: Peer): void {
    this.#largest = peer.largest;
    this.#received = peer.received;
    this.#drops = peer.status?.kernelDrops ?? 0;
  }

  /** Ends a round. */
  judge(peer: Peer): Verdict {
    const packets = peer.largest - this.#largest;
    if (packets < PACKETS_LEAST) return "none";
    const drops = Math.max(0, (peer.status?.kernelDrops ?? 0) - this.#drops);
    this.deliveredPackets = peer.received - this.#received;
    const lost = Math.max(0, packets - this.deliveredPackets - drops);
    this.restart(peer);
    this.loss = lost / packets;
    const noise =
      this.#losses.length === 0 ? Math.min(this.loss, ABSURD) : Math.min(...this.#losses);
    this.#losses.push(this.loss);
    if (this.#losses.length > ROUNDS) this.#losses.shift();
    if (lost < LOSSES_LEAST) return "calm";
    const deviation = Math.sqrt((Math.max(noise, 0.001) * (1 - noise)) / packets);
    const excess = this.loss - noise - SIGMAS * deviation;
    const isQueued = peer.rttMs > QUEUED_FACTOR * peer.leastRttMs + QUEUED_MS;
    return excess > EXCESS || (isQueued && excess > EXCESS_QUEUED) ? "congested" : "calm";
  }
}
