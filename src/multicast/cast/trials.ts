/**
 * A receiver that alone holds the others up is left behind for a moment: what it gets meanwhile, beside
 * what the others get, decides whether they wait for it or it catches up by unicast. Receivers that are
 * slow together hold nobody up.
 */
import type { CastOptions } from "./contract.ts";
import { median } from "./median.ts";
import type { Peer } from "./peer.ts";

/** Closing the window for so long. */
const HOLDING_MS = 100;
/** A trial is measured over and over, until the others, who do not wait, get no faster by this, twice. */
const MEASURE_MS = 300;
const GROWING = 1.25;
const STALLS = 2;
const TRIAL_MOST_MS = 4000;
/** Until the next one, times four with each that a receiver passes: it costs what it misses meanwhile. */
const NEXT_TRIAL_MS = 10_000;
/** Of the others' rate: below, nobody waits for a receiver. */
const FLOOR = 1 / 5;
/** Who gets on while nobody waits, and holds the others below the floor when they do, is not believed for ever. */
const CONTRADICTIONS_MOST = 3;
/** Of a round's rate; and how long what the others once did is held against one. */
const RATE_GAIN = 1 / 4;
const PEAK_MS = 10_000;

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
  /** The most the others got in a measurement, in packets a millisecond. */
  rate: number;
  begunAt: number;
  /** Measurements in a row in which they got no faster. */
  stalls: number;
  endedAt: number;
  contradictions: number;
}

export class Trials {
  readonly #floor: number | undefined;
  readonly #packetBytes: number;
  readonly #trials = new Map<Peer, Trial>();
  #holder: Peer | undefined;
  #holdingMs = 0;
  /** Packets a millisecond that came out lately, and the most of it: what the others can do. */
  #rate = 0;
  #peak = 0;

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

  /** A round ended. @param rate - packets a millisecond that came out at the foremost */
  delivered(rate: number, roundMs: number): void {
    this.#rate += RATE_GAIN * (rate - this.#rate);
    this.#peak = Math.max(this.#rate, this.#peak * Math.exp(-roundMs / PEAK_MS));
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
   * @param peers - everybody who counts
   * @returns who is left behind from now on
   */
  begin(now: number, peers: readonly Peer[], suspects: ReadonlySet<Peer>): ReadonlySet<Peer> {
    const begun = new Set<Peer>();
    if (suspects.size * 2 > peers.length) return begun;
    for (const peer of suspects) {
      const trial = this.#of(peer);
      if (now < trial.nextAt && !this.#isContradicted(peer, trial, now)) continue;
      if (now < trial.nextAt) trial.contradictions++;
      trial.rate = 0;
      trial.stalls = 0;
      trial.from = reportedBy(peers);
      trial.until = now + MEASURE_MS;
      trial.begunAt = now;
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
      if (!isMeasured(peer, trial, peers, now)) continue;
      trial.until = 0;
      trial.nextAt = now + NEXT_TRIAL_MS * 4 ** trial.passed++;
      const isLiar = trial.contradictions >= CONTRADICTIONS_MOST;
      if (isLiar || this.#isTooSlow(peer, trial)) failed.push(peer);
      else passed.push(peer);
      trial.endedAt = now;
      trial.from = reportedBy([...trial.from.keys()]);
    }
    return { passed, failed };
  }

  #isTooSlow(peer: Peer, trial: Trial): boolean {
    const others = othersRate(peer, trial);
    if (others === undefined) return false;
    const least =
      this.#floor === undefined
        ? FLOOR * Math.max(others, trial.rate, this.#peak)
        : this.#floor / 1000 / this.#packetBytes;
    return (rateSince(peer, trial.from) ?? 0) < least;
  }

  /** Since the trial that it passed the others wait for it, and get less than the floor. */
  #isContradicted(peer: Peer, trial: Trial, now: number): boolean {
    if (trial.rate === 0 || now - trial.endedAt < MEASURE_MS) return false;
    const others = othersRate(peer, trial) ?? Infinity;
    return others < FLOOR * Math.max(trial.rate, this.#peak);
  }

  #of(peer: Peer): Trial {
    const known = this.#trials.get(peer);
    if (known !== undefined) return known;
    const counts = {
      nextAt: 0,
      passed: 0,
      rate: 0,
      begunAt: 0,
      stalls: 0,
      endedAt: 0,
      contradictions: 0,
    };
    const trial = { until: 0, from: new Map(), ...counts };
    this.#trials.set(peer, trial);
    return trial;
  }
}

/** Ends a measurement that is due, and begins the next one. @returns whether it was the last */
function isMeasured(peer: Peer, trial: Trial, peers: readonly Peer[], now: number): boolean {
  // Of many receivers each reports seldom.
  if (now < trial.until || rateSince(peer, trial.from) === undefined) return false;
  const others = othersRate(peer, trial) ?? 0;
  trial.stalls = others > GROWING * trial.rate ? 0 : trial.stalls + 1;
  trial.rate = Math.max(trial.rate, others);
  if (trial.stalls >= STALLS || now - trial.begunAt >= TRIAL_MOST_MS) return true;
  trial.from = reportedBy(peers);
  trial.until = now + MEASURE_MS;
  return false;
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
  return median(rates);
}
