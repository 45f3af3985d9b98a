/** How much may be on its way: a window by what receivers report, and a rate by what the network loses. */
import { BLOCK_SYMBOLS } from "../../backend/port.ts";
import { equalBytes } from "../../base/bytes.ts";
import { Pacer } from "../../session/pacer.ts";
import type { Channel } from "./channels.ts";
import type { CastOptions } from "./contract.ts";
import { Frontier } from "./frontier.ts";
import { LossMeter, type Verdict } from "./loss-meter.ts";
import { median } from "./median.ts";
import type { Peer } from "./peer.ts";
import { RateFinder } from "./rate-finder.ts";
import { Trials } from "./trials.ts";
import { windowOf } from "./window.ts";

const ROUND_MS = 20;
/** Where receivers share the sender's processors its turns are as far apart: less would be a rate of its own. */
const CATCH_UP_MS = 8;
/** A round is judged by what left in its first half: that is what its rate does to the path. */
const JUDGED_MS = 10;
/** Few that have not answered by then hold the others up. */
const LATE_MS = 100;
/** Answers that take longer are not waited for. */
const ROUND_MOST_MS = 1000;
/** Who has not reported for so long is not waited for. */
const SILENT_MS = 500;
/** After so long a round may end, or it is said anew who is waited for. */
const ROUND_STEPS_MS = [JUDGED_MS, ROUND_MS, LATE_MS, SILENT_MS, ROUND_MOST_MS];
/** Beyond so many receivers not each one is waited for: see STATUS. */
const FEW = 32;
const SOME = 8;
/** Less comes out than leaves, again and again: a queue takes the rest. */
const SWALLOWED = 0.85;
const SWALLOWED_ROUNDS = 2;
/** Of packets lost; below, repair on demand costs less than parity nobody needs. */
const PARITY_LOSS = 0.01;

export class Flow {
  readonly rate: RateFinder;
  /** Receivers have not said yet that there is room. */
  isClosed = false;
  readonly #options: CastOptions;
  readonly #packetBytes: number;
  readonly #pacer = new Pacer(CATCH_UP_MS);
  readonly #meters = new Map<Peer, LossMeter>();
  readonly #frontier = new Frontier();
  readonly #trials: Trials;
  readonly #slow: (peer: Peer) => void;
  #roundAt = 0;
  #checkedAt = 0;
  #roundBytes = 0;
  /** By channel: the packet number behind the judged part of this round, and that behind the last cut. */
  #marks: ReadonlyMap<number, number> | undefined;
  #cutMarks: ReadonlyMap<number, number> = new Map();
  /** Who was congested at the last cut. */
  #cutBy: ReadonlySet<Peer> = new Set();
  /** What it was before: what came out at the others. */
  #free = { rate: 0, isStartup: false };
  /** Of those that reported in this round. */
  readonly #verdicts = new Map<Peer, Verdict>();
  /** Who closed the window in this round. */
  #holder: Peer | undefined;
  #wasLimited = false;
  /** Rounds in which less came out than left, since the last one without a queue. */
  #swallowed = 0;

  /** @param slow - is told who is to catch up by unicast */
  constructor(options: CastOptions, packetBytes: number, slow: (peer: Peer) => void) {
    this.rate = new RateFinder(options.rate, packetBytes);
    this.#options = options;
    this.#packetBytes = packetBytes;
    this.#slow = slow;
    this.#trials = new Trials(options, packetBytes);
  }

  /** Packets that may leave now. @param peers - those that hear us */
  allowance(
    now: number,
    peers: readonly Peer[],
    channels: readonly Channel[],
  ): { readonly paced: number; readonly window: number } {
    const bytes = this.#pacer.allowance(now, this.rate.rate, this.#packetBytes);
    const { packets, holder } = windowOf(this.#counting(peers), channels, {
      packetBytes: this.#packetBytes,
      isSampled: peers.length > FEW,
      isFast: this.#options.policy === "fast",
    });
    this.isClosed = packets <= 0;
    if (bytes > 0 && this.isClosed) this.#wasLimited = true;
    this.#holder = holder ?? this.#holder;
    if (this.#marks === undefined && now - this.#roundAt >= JUDGED_MS) {
      this.#marks = marksOf(channels);
      for (const peer of peers) peer.restartRound();
    }
    return { paced: Math.floor(bytes / this.#packetBytes), window: packets };
  }

  /** Symbols of parity to send with every block: what the unluckiest twentieth will lose. */
  parityAhead(peers: readonly Peer[]): number {
    const losses = peers.map((peer) => this.#meter(peer).noise).sort((a, b) => b - a);
    const p95 = losses[Math.floor(losses.length / 20)] ?? 0;
    return p95 < PARITY_LOSS ? 0 : Math.floor(p95 * BLOCK_SYMBOLS);
  }

  /** When pacing lets something leave. */
  readyAt(): number {
    return this.#pacer.readyAt(this.rate.rate, this.#packetBytes);
  }

  /** When time alone may end the round next. */
  get roundEndsAt(): number {
    const ends = ROUND_STEPS_MS.map((ms) => this.#roundAt + ms);
    return ends.find((at) => at > this.#checkedAt) ?? Infinity;
  }

  spent(bytes: number): void {
    this.#pacer.spend(bytes);
    this.#roundBytes += bytes;
  }

  /** Whether it is left behind for a moment. */
  isIgnored(peer: Peer): boolean {
    return this.#trials.isOn(peer);
  }

  forget(peer: Peer): void {
    this.#meters.delete(peer);
    this.#verdicts.delete(peer);
    this.#trials.forget(peer);
  }

  /** A receiver reported: what does it say of the path? @param peers - those that hear us */
  reported(peer: Peer, peers: readonly Peer[]): void {
    peer.lag = Math.max(...peers.map(({ largest }) => largest)) - peer.largest;
    if (!this.#counts(peer)) return;
    const meter = this.#meter(peer);
    // What was sent before the rate was cut says nothing of the new one.
    const isOld = meter.startsBefore(this.#cutMarks.get(peer.channel) ?? 0);
    if (peer.isBack) meter.restart(peer);
    const verdict = meter.judge(peer);
    if (isOld) meter.renew();
    if (isOld || verdict === "none" || this.#verdicts.get(peer) === "congested") return;
    this.#verdicts.set(peer, verdict);
  }

  /** Ends the round if its packets were answered for, or lost. @param peers - those that hear us */
  round(now: number, peers: readonly Peer[], channels: readonly Channel[]): void {
    this.#checkedAt = now;
    if (this.#roundAt === 0) this.#begin(now);
    const roundMs = now - this.#roundAt;
    const counting = this.#counting(peers);
    const isSampled = counting.length > FEW;
    const judged = counting.filter((peer) => this.#verdicts.has(peer));
    const congested = judged.filter((peer) => this.#verdicts.get(peer) === "congested");
    const isPathFull = congested.length * 2 > (isSampled ? judged : counting).length;
    const late = this.#late(counting, now);
    const isOver = roundMs >= patience(counting.length, late.length);
    if (!isPathFull && !isOver) return;
    this.#turnTrials(now, peers);
    this.#frontier.step(counting);
    this.#trials.delivered(this.#frontier.rate, roundMs);
    const holding = this.#trials.holding(this.#lastHolder(counting), roundMs);
    const suspects = isPathFull ? [] : [...congested, ...holding, ...(isSampled ? [] : late)];
    const tried = this.#trials.begin(now, counting, new Set(suspects));
    if (tried.size > 0) this.#forgive(tried, channels);
    const slow = congested.filter((peer) => !tried.has(peer));
    if (slow.length > 0 && (this.#options.policy !== "fast" || slow.length === counting.length)) {
      this.#cut(now, slow, channels);
    } else if (judged.length > 0 && !this.#wasLimited) {
      if (this.#grow(now, roundMs, counting)) this.#cutMarks = marksOf(channels);
    }
    this.#begin(now);
  }

  #cut(now: number, slow: readonly Peer[], channels: readonly Channel[]): void {
    const isAgain = slow.every((peer) => this.#cutBy.has(peer));
    if (!isAgain) {
      this.#free = {
        rate: Math.min(this.rate.rate, this.#delivered(0)),
        isStartup: this.rate.isStartup,
      };
    }
    const loss = Math.max(...slow.map((peer) => this.#meter(peer).loss));
    this.rate.congested(now, this.#delivered(loss));
    this.#cutMarks = marksOf(channels);
    this.#cutBy = new Set(slow);
  }

  /** Nobody waits for these any more: if the rate was cut for them alone, it need not have been. */
  #forgive(tried: ReadonlySet<Peer>, channels: readonly Channel[]): void {
    if (this.#cutBy.size === 0 || [...this.#cutBy].some((peer) => !tried.has(peer))) return;
    this.rate.resume(this.#free);
    this.#cutMarks = marksOf(channels);
    this.#cutBy = new Set();
  }

  /**
   * A round without congestion.
   *
   * @returns whether startup ends here: what was sent until now says nothing of the rate from here on
   */
  #grow(now: number, ms: number, counting: readonly Peer[]): boolean {
    const sentRate = this.#roundBytes / ms;
    const isQueued = counting.some((peer) => peer.isQueued);
    const isSwallowed = isQueued && this.#delivered(0) < SWALLOWED * sentRate;
    if (isSwallowed) this.#swallowed++;
    else if (!isQueued) this.#swallowed = 0;
    if (!this.rate.isStartup || !isSwallowed) {
      this.rate.calm(now, { ms, sentRate, rttMs: this.#rtt(counting), isQueued });
      return false;
    }
    // Doubling into a queue that grows would lose as much as it holds.
    if (this.#swallowed < SWALLOWED_ROUNDS) this.rate.hold(this.#delivered(0));
    else this.rate.full(this.#delivered(0));
    return !this.rate.isStartup;
  }

  /** What a TCP to whom the rate was cut for would go by. */
  #rtt(counting: readonly Peer[]): number {
    const fresh = counting.filter(({ roundRttMs }) => roundRttMs < Infinity);
    const slow = counting.filter((peer) => this.#cutBy.has(peer));
    const now = median(fresh.map(({ roundRttMs }) => roundRttMs)) ?? 0;
    return Math.max(now, median(slow.map(({ rttMs }) => rttMs)) ?? 0);
  }

  /** Bytes a millisecond that come out at who loses this part. */
  #delivered(loss: number): number {
    return this.#frontier.rate * (1 - loss) * this.#packetBytes;
  }

  #begin(now: number): void {
    this.#roundAt = now;
    this.#roundBytes = 0;
    this.#marks = undefined;
    this.#holder = undefined;
    this.#wasLimited = false;
    this.#verdicts.clear();
  }

  /** Who has not heard the judged part of this round yet, and is still there. */
  #late(counting: readonly Peer[], now: number): readonly Peer[] {
    const marks = this.#marks;
    if (marks === undefined) return counting;
    return counting.filter(
      ({ statusAt, channel, largest }) =>
        now - statusAt < SILENT_MS && largest + 1 < (marks.get(channel) ?? 0),
    );
  }

  #counting(peers: readonly Peer[]): readonly Peer[] {
    return peers.filter((peer) => this.#counts(peer));
  }

  /** Whether its rate matters to the others. */
  #counts(peer: Peer): boolean {
    if (this.isIgnored(peer)) return false;
    const { policy, required = [] } = this.#options;
    if (policy !== "required" || required.length === 0) return true;
    return required.some((key) => equalBytes(key, peer.key));
  }

  #meter(peer: Peer): LossMeter {
    let meter = this.#meters.get(peer);
    if (meter === undefined) {
      meter = new LossMeter();
      meter.restart(peer);
      this.#meters.set(peer, meter);
    }
    return meter;
  }

  /** Who closed the window, and is behind everybody. */
  #lastHolder(counting: readonly Peer[]): Peer | undefined {
    const holder = this.#holder;
    const isLast = counting.every(({ largest }) => largest >= (holder?.largest ?? Infinity));
    return isLast ? holder : undefined;
  }

  #turnTrials(now: number, peers: readonly Peer[]): void {
    const { passed, failed } = this.#trials.turn(now, peers);
    for (const peer of passed) this.#meter(peer).restart(peer);
    for (const peer of failed) this.#slow(peer);
  }
}

/** How long a round of so many lasts. @param late - those that have not answered yet */
function patience(counting: number, late: number): number {
  if (counting > FEW) return counting - late >= SOME ? ROUND_MS : ROUND_MOST_MS;
  if (late === 0) return ROUND_MS;
  return late * 2 <= counting ? LATE_MS : ROUND_MOST_MS;
}

function marksOf(channels: readonly Channel[]): ReadonlyMap<number, number> {
  return new Map(channels.map(({ number, next }) => [number, next]));
}
