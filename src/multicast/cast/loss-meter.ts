/** Tells congestion from noise at one receiver: noise is there at every rate, and without queues. */
import type { Peer } from "./peer.ts";

/** Fewer packets say nothing. */
const PACKETS_LEAST = 20;
const LOSSES_LEAST = 3;
/**
 * Over so many packets noise is told within a half percent. Over fewer, the luckiest round of many would
 * pass for the path, every other one for congestion, and the rate would fall without end.
 */
const WINDOW_PACKETS = 1000;
/** What the path loses anyway is the least of these. */
const WINDOWS = 32;
/** Older ones say nothing any more. */
const WINDOW_ROUNDS = 256;
const EXCESS = 0.02;
/** Beside a longer round trip less is proof enough. */
const EXCESS_QUEUED = 0.005;
/** What no path loses by noise. */
const ABSURD = 0.1;
const SIGMAS = 4;

export type Verdict = "none" | "calm" | "congested";

interface Window {
  packets: number;
  lost: number;
  /** When it ended. */
  round: number;
}

export class LossMeter {
  /** Of the last verdict. */
  loss = 0;
  #largest = -1;
  #received = 0;
  #drops = 0;
  #rounds = 0;
  readonly #windows: Window[] = [];
  #open: Window = { packets: 0, lost: 0, round: 0 };

  /** What the path loses anyway. */
  get noise(): number {
    let least = ABSURD;
    for (const { packets, lost } of this.#windows) least = Math.min(least, lost / packets);
    if (this.#windows.length > 0) return least;
    const { packets, lost } = this.#open;
    return packets === 0 ? 0 : Math.min(ABSURD, lost / packets);
  }

  /** A new channel, or a new start: what was counted before says nothing. */
  restart(peer: Peer): void {
    this.#largest = peer.largest;
    this.#received = peer.received;
    this.#drops = peer.status?.kernelDrops ?? 0;
  }

  /** Whether what comes next is judged from before this packet on. */
  startsBefore(packet: number): boolean {
    return this.#largest + 1 < packet;
  }

  /** Of what came since the last verdict; "none" where that is too little. */
  judge(peer: Peer): Verdict {
    const packets = peer.largest - this.#largest;
    if (packets < PACKETS_LEAST) return "none";
    const drops = Math.max(0, (peer.status?.kernelDrops ?? 0) - this.#drops);
    const delivered = peer.received - this.#received;
    const lost = Math.max(0, packets - delivered - drops);
    this.restart(peer);
    this.loss = lost / packets;
    const isFirst = this.#windows.length === 0 && this.#open.packets === 0;
    const noise = isFirst ? Math.min(this.loss, ABSURD) : this.noise;
    this.#remember(packets, lost);
    const isExcess = isBeyond({ packets, lost }, noise, peer.isQueued);
    // Few packets at a time say little; together they do.
    return isExcess || isBeyond(this.#open, noise, peer.isQueued) ? "congested" : "calm";
  }

  /** The rate was cut: losses until now do not count again. */
  renew(): void {
    this.#open = { packets: 0, lost: 0, round: this.#rounds };
  }

  #remember(packets: number, lost: number): void {
    const round = this.#rounds++;
    const open = this.#open;
    open.packets += packets;
    open.lost += lost;
    open.round = round;
    const oldest = this.#windows[0];
    if (oldest !== undefined && round - oldest.round > WINDOW_ROUNDS) this.#windows.shift();
    if (open.packets < WINDOW_PACKETS) return;
    this.#windows.push(open);
    if (this.#windows.length > WINDOWS) this.#windows.shift();
    this.#open = { packets: 0, lost: 0, round };
  }
}

function isBeyond(
  { packets, lost }: Pick<Window, "packets" | "lost">,
  noise: number,
  isQueued: boolean,
): boolean {
  if (lost < LOSSES_LEAST || packets === 0) return false;
  const deviation = Math.sqrt((Math.max(noise, 0.001) * (1 - noise)) / packets);
  return lost / packets - noise - SIGMAS * deviation > (isQueued ? EXCESS_QUEUED : EXCESS);
}
