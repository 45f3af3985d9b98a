/**
 * A receiver that alone holds the others up is left behind for a moment: what it gets meanwhile, beside
 * what the others get, decides whether they wait for it or it catches up by unicast. Receivers that are
 * slow together hold nobody up.
 */
import type { CastOptions } from "./contract.ts";
import type { Peer } from "./peer.ts";

/** Closing the window for so long. */
const HOLDING_MS = 100;
/** A trial: the others get going without it, then everybody is measured. */
const SETTLE_MS = 300;
const MEASURE_MS = 300;
/** Doubles with each trial that a receiver passes. */
const NEXT_TRIAL_MS = 30_000;
/** Of the others' rate: below, nobody waits for a receiver. */
const FLOOR = 1 / 10;
/** Who gets on while nobody waits, and holds the others below the floor when they do, is not believed for ever. */
const CONTRADICTIONS_MOST = 3;

interface Reported {
  readonly packets: number;
  readonly at: number;
}

interface Trial {
  /** Left behind until then; 0 for not at all. */
  until: number;
  /** What each receiver had reported when measuring began. */
  from: ReadonlyMap<Peer, Reported>;
  nextAt: number;
  passed: number;
  /** What the others got in the last one, in packets a millisecond. */
  rate: number;
  endedAt: number;
  contradictions: number;
}

export class Trials {
  readonly #floor: number | undefined;
  readonly #packetBytes: number;
  readonly #trials = new Map<Peer, Trial>();
  #holder: Peer | undefined;
  #holdingMs = 0;

  constructor({ floor }: CastOptions, packetBytes: number) {
    this.#floor = floor;
    this.#packetBytes = packetBytes;
  }

  isOn(peer: Peer): boolean {
    return (this.#trials.get(peer)?.until ?? 0) > 0;
  }

  forget(peer: Peer): void {
    this.#trials.delete(peer);
  }

  /**
   * A round ended in which one closed the window.
   *
   * @returns it, where it did so for long
   */
  holding(holder: Peer | undefined, roundMs: number): readonly Peer[] {
    this.#holdingMs = holder === this.#holder ? this.#holdingMs + roundMs : 0;
    this.#holder = holder;
    return holder !== undefined && this.#holdingMs >= HOLDING_MS ? [holder] : [];
  }

  /**
   * Leaves behind for a moment who holds the others up, if these are fewer than the others.
   *
   * @param counting - how many receivers there are
   * @returns who is left behind from now on
   */
  begin(now: number, counting: number, suspects: ReadonlySet<Peer>): ReadonlySet<Peer> {
    const begun = new Set<Peer>();
    if (suspects.size * 2 > counting) return begun;
    for (const peer of suspects) {
      const trial = this.#of(peer);
      if (now < trial.nextAt && !isContradicted(peer, trial, now)) continue;
      if (now < trial.nextAt) trial.contradictions++;
      trial.from = new Map();
      trial.until = now + SETTLE_MS + MEASURE_MS;
      begun.add(peer);
    }
    return begun;
  }

  /**
   * Goes on with trials, and ends those whose time is over.
   *
   * @param peers - everybody who hears
   * @returns who is waited for again, and who is too slow
   */
  turn(
    now: number,
    peers: readonly Peer[],
  ): { readonly passed: readonly Peer[]; readonly failed: readonly Peer[] } {
    const passed: Peer[] = [];
    const failed: Peer[] = [];
    for (const [peer, trial] of this.#trials) {
      if (trial.until === 0) continue;
      if (trial.from.size === 0 && now >= trial.until - MEASURE_MS) {
        trial.from = reportedBy(peers);
        trial.until = now + MEASURE_MS;
      }
      // Of many receivers each reports seldom.
      const hasReported = rateSince(peer, trial.from) !== undefined;
      if (now < trial.until || !hasReported) continue;
      trial.until = 0;
      trial.nextAt = now + NEXT_TRIAL_MS * 2 ** trial.passed++;
      const isLiar = trial.contradictions >= CONTRADICTIONS_MOST;
      if (isLiar || this.#isTooSlow(peer, trial)) failed.push(peer);
      else passed.push(peer);
      trial.rate = othersRate(peer, trial) ?? 0;
      trial.endedAt = now;
      trial.from = reportedBy([...trial.from.keys()]);
    }
    return { passed, failed };
  }

  #isTooSlow(peer: Peer, trial: Trial): boolean {
    const others = othersRate(peer, trial);
    if (others === undefined) return false;
    const least =
      this.#floor === undefined ? FLOOR * others : this.#floor / 1000 / this.#packetBytes;
    return (rateSince(peer, trial.from) ?? 0) < least;
  }

  #of(peer: Peer): Trial {
    const known = this.#trials.get(peer);
    if (known !== undefined) return known;
    const counts = { nextAt: 0, passed: 0, rate: 0, endedAt: 0, contradictions: 0 };
    const trial = { until: 0, from: new Map(), ...counts };
    this.#trials.set(peer, trial);
    return trial;
  }
}

function reportedBy(peers: readonly Peer[]): ReadonlyMap<Peer, Reported> {
  return new Map(peers.map((peer) => [peer, { packets: peer.received, at: peer.statusAt }]));
}

/** Packets a millisecond that a receiver got since then; undefined where it has not reported again. */
function rateSince(peer: Peer, from: ReadonlyMap<Peer, Reported>): number | undefined {
  const before = from.get(peer);
  if (before === undefined || peer.statusAt <= before.at) return undefined;
  return (peer.received - before.packets) / (peer.statusAt - before.at);
}

/** What the median one of the others got. */
function othersRate(peer: Peer, { from }: Trial): number | undefined {
  const rates: number[] = [];
  for (const other of from.keys()) {
    const rate = other === peer || !other.isLive ? undefined : rateSince(other, from);
    if (rate !== undefined) rates.push(rate);
  }
  return rates.sort((a, b) => a - b)[rates.length >> 1];
}

/** Since the trial that it passed the others wait for it, and get less than the floor. */
function isContradicted(peer: Peer, trial: Trial, now: number): boolean {
  if (trial.rate === 0 || now - trial.endedAt < MEASURE_MS) return false;
  return (othersRate(peer, trial) ?? Infinity) < FLOOR * trial.rate;
}
