/**
 * How much may be on its way: a window by what receivers report, and a rate by what the network loses.
 * A receiver that alone holds the others up is left behind for a moment; what it manages meanwhile,
 * beside the others, decides whether they wait for it or it catches up by unicast.
 */
import { BLOCK_SYMBOLS } from "../../backend/port.ts";
import { equalBytes } from "../../base/bytes.ts";
import { Pacer } from "../../session/pacer.ts";
import type { Channel } from "./channels.ts";
import type { CastOptions } from "./contract.ts";
import { LossMeter } from "./loss-meter.ts";
import type { Peer } from "./peer.ts";
import { RateFinder } from "./rate-finder.ts";

const ROUND_MS = 20;
/** Answers that take longer are not waited for. */
const ROUND_MOST_MS = 1000;
/** Who has not reported for so long is not waited for. */
const SILENT_MS = 500;
/** Beyond so many receivers not each one is waited for: see STATUS. */
const FEW = 32;
const SOME = 8;
/** Holding the others up for so long starts a trial of this length. */
const HOLDING_MS = 100;
const TRIAL_MS = 500;
const NEXT_TRIAL_MS = 5000;
/** Of the others' rate: below, nobody waits for a receiver. */
const FLOOR = 1 / 16;
/** Of a kernel's buffer: the rest is bookkeeping of packets in it. */
const USABLE = 0.5;
const WINDOW_PACKETS_LEAST = 16;
/** Of packets lost; below, repair on demand costs less than parity nobody needs. */
const PARITY_LOSS = 0.01;

interface Account {
  readonly meter: LossMeter;
  holdingMs: number;
  /** Left behind until then. */
  trialUntil: number;
  trialFrom: number;
  nextTrialAt: number;
  trials: number;
}

export class Flow {
  readonly rate: RateFinder;
  /** Receivers have not said yet that there is room. */
  isClosed = false;
  readonly #options: CastOptions;
  readonly #packetBytes: number;
  readonly #pacer = new Pacer();
  readonly #accounts = new Map<Peer, Account>();
  readonly #slow: (peer: Peer) => void;
  #roundAt = 0;
  /** By channel: the packet number sent first in this round, and since the rate was cut. */
  #marks: ReadonlyMap<number, number> = new Map();
  #cutMarks: ReadonlyMap<number, number> = new Map();
  #roundBytes = 0;
  /** Who closed the window in this round. */
  #holder: Peer | undefined;
  #wasLimited = false;

  /** @param slow - is told who is to catch up by unicast */
  constructor(options: CastOptions, packetBytes: number, slow: (peer: Peer) => void) {
    this.rate = new RateFinder(options.rate);
    this.#options = options;
    this.#packetBytes = packetBytes;
    this.#slow = slow;
  }

  /** Packets that may leave now. @param peers - those that hear us */
  allowance(
    now: number,
    peers: readonly Peer[],
    channels: readonly Channel[],
  ): { readonly paced: number; readonly window: number } {
    const bytes = this.#pacer.allowance(now, this.rate.rate, this.#packetBytes);
    const window = this.#window(now, peers, channels);
    this.isClosed = window <= 0;
    if (bytes > 0 && window <= 0) this.#wasLimited = true;
    return { paced: Math.floor(bytes / this.#packetBytes), window };
  }

  /** Symbols of parity to send with every block: what the unluckiest twentieth will lose. */
  parityAhead(peers: readonly Peer[]): number {
    const losses = peers.map((peer) => this.#account(peer).meter.noise).sort((a, b) => b - a);
    const p95 = losses[Math.floor(losses.length / 20)] ?? 0;
    return p95 < PARITY_LOSS ? 0 : Math.floor(p95 * BLOCK_SYMBOLS);
  }

  /** When pacing lets something leave. */
  readyAt(): number {
    return this.#pacer.readyAt(this.rate.rate, this.#packetBytes);
  }

  /** When the round ends at the earliest. */
  get roundEndsAt(): number {
    return this.#roundAt + ROUND_MS;
  }

  spent(bytes: number): void {
    this.#pacer.spend(bytes);
    this.#roundBytes += bytes;
  }

  isIgnored(peer: Peer, now: number): boolean {
    return now < (this.#accounts.get(peer)?.trialUntil ?? 0);
  }

  forget(peer: Peer): void {
    this.#accounts.delete(peer);
  }

  /** Ends the round if its packets were answered for. @param peers - those that hear us */
  round(now: number, peers: readonly Peer[], channels: readonly Channel[]): void {
    if (this.#roundAt === 0) this.#begin(now, channels);
    const roundMs = now - this.#roundAt;
    const counting = peers.filter((peer) => this.#counts(peer, now));
    if (roundMs < ROUND_MS || (!this.#isAnswered(counting, now) && roundMs < ROUND_MOST_MS)) return;
    const sentRate = this.#roundBytes / roundMs;
    this.#endTrials(now, peers);
    const verdicts = counting.map((peer) =>
      this.#account(peer).meter.judge(peer, this.#cutMarks.get(peer.channel) ?? 0),
    );
    const congested = counting.filter((_, index) => verdicts[index] === "congested");
    const isCalm = verdicts.includes("calm");
    this.#watch(now, roundMs, counting, congested);
    if (congested.length > 0 && this.#isDecisive(counting, congested)) {
      const rates = congested.map((peer) => this.#account(peer).meter.deliveredRate);
      this.rate.congested(now, Math.min(...rates) * this.#packetBytes);
      this.#cutMarks = marksOf(channels);
    } else if (isCalm && !this.#wasLimited) {
      const isQueued = counting.some((peer) => peer.isQueued);
      // Doubling into a queue that grows would lose as much as it holds.
      if (!isQueued || !this.rate.isStartup) this.rate.calm(now, sentRate, roundMs);
    }
    for (const peer of peers) peer.roundRttMs = Infinity;
    this.#begin(now, channels);
  }

  #begin(now: number, channels: readonly Channel[]): void {
    this.#roundAt = now;
    this.#roundBytes = 0;
    this.#marks = marksOf(channels);
    this.#holder = undefined;
    this.#wasLimited = false;
  }

  /** Of few each one has to have heard what was sent before this round, of many some. */
  #isAnswered(counting: readonly Peer[], now: number): boolean {
    const awaited = counting.filter(({ statusAt }) => now - statusAt < SILENT_MS);
    const answered = awaited.filter(
      ({ channel, largest }) => largest + 1 >= (this.#marks.get(channel) ?? 0),
    );
    return answered.length >= Math.min(awaited.length, awaited.length > FEW ? SOME : Infinity);
  }

  /** Whether its rate matters to the others. */
  #counts(peer: Peer, now: number): boolean {
    if (this.isIgnored(peer, now)) return false;
    const { policy, required = [] } = this.#options;
    if (policy !== "required" || required.length === 0) return true;
    return required.some((key) => equalBytes(key, peer.key));
  }

  /** The fastest one decides, or everybody does. */
  #isDecisive(counting: readonly Peer[], congested: readonly Peer[]): boolean {
    return this.#options.policy !== "fast" || congested.length === counting.length;
  }

  #window(now: number, peers: readonly Peer[], channels: readonly Channel[]): number {
    const foremost = Math.max(...peers.map(({ largest }) => largest));
    let least = Infinity;
    let most = 0;
    for (const peer of peers) {
      if (!this.#counts(peer, now)) continue;
      const channel = channels.find(({ number }) => number === peer.channel);
      if (channel === undefined) continue;
      const seen = peers.length > FEW ? foremost - peer.lag : peer.largest;
      const bytes = USABLE * (peer.status?.windowBytes ?? 0);
      const room = Math.floor(bytes / this.#packetBytes) - (channel.next - 1 - seen);
      most = Math.max(most, room);
      if (room < least) {
        least = room;
        if (room <= 0) this.#holder = peer;
      }
    }
    if (this.#options.policy === "fast") return most;
    return least === Infinity ? WINDOW_PACKETS_LEAST : least;
  }

  #account(peer: Peer): Account {
    let account = this.#accounts.get(peer);
    if (account === undefined) {
      const meter = new LossMeter();
      meter.restart(peer);
      account = { meter, holdingMs: 0, trialUntil: 0, trialFrom: 0, nextTrialAt: 0, trials: 0 };
      this.#accounts.set(peer, account);
    }
    return account;
  }

  /** Who held the others up in this round, and for how long now? */
  #watch(
    now: number,
    roundMs: number,
    counting: readonly Peer[],
    congested: readonly Peer[],
  ): void {
    if (counting.length < 2) return;
    const isMinority = congested.length * 2 <= counting.length;
    for (const peer of counting) {
      const account = this.#account(peer);
      const holds = (isMinority && congested.includes(peer)) || this.#holdsWindow(peer, counting);
      account.holdingMs = holds ? account.holdingMs + roundMs : 0;
      if (account.holdingMs < HOLDING_MS || now < account.nextTrialAt) continue;
      for (const each of counting) this.#account(each).trialFrom = each.received;
      account.trialUntil = now + TRIAL_MS;
      account.holdingMs = 0;
    }
  }

  #holdsWindow(peer: Peer, counting: readonly Peer[]): boolean {
    if (peer !== this.#holder) return false;
    const others = counting.filter((other) => other !== peer);
    const ahead = others.filter((other) => other.largest > peer.largest);
    return ahead.length === others.length;
  }

  #endTrials(now: number, peers: readonly Peer[]): void {
    for (const peer of peers) {
      const account = this.#account(peer);
      if (account.trialUntil === 0 || now < account.trialUntil) continue;
      account.trialUntil = 0;
      account.nextTrialAt = now + NEXT_TRIAL_MS * 2 ** account.trials++;
      account.meter.restart(peer);
      const others = peers.filter((other) => other !== peer && !this.isIgnored(other, now));
      const rates = others.map((other) => other.received - this.#account(other).trialFrom);
      const median = rates.sort((a, b) => a - b)[rates.length >> 1] ?? 0;
      const own = peer.received - account.trialFrom;
      const { floor } = this.#options;
      const least =
        floor === undefined ? FLOOR * median : (floor * TRIAL_MS) / 1000 / this.#packetBytes;
      if (own < least) this.#slow(peer);
    }
  }
}

function marksOf(channels: readonly Channel[]): ReadonlyMap<number, number> {
  return new Map(channels.map(({ number, next }) => [number, next]));
}
