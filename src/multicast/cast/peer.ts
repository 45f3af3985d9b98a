/** One receiver, as the sender knows it. */
import { RangeSet } from "../../base/ranges.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import type { Channel } from "./channels.ts";
import type { CastOutcome, ReceiverState } from "./contract.ts";
import { DelayMeter } from "./delay-meter.ts";
import type { Geometry } from "./geometry.ts";
import type { CastLink } from "./ports.ts";
import type { Reason } from "./records.ts";
import type { Status } from "./status-record.ts";

/** Microseconds of a stamp. */
const STAMP_MODULUS = 0x1_0000_0000;
const RTT_GAIN = 1 / 8;
const UNKNOWN_RTT_MS = 10;
const QUEUED_MS = 3;
/** Whoever heard us before has so long to hear us again, before it is fed. */
const DEAF_MS = 1000;
/** Not even a pulse came for so long: the way here was away. */
const AWAY_US = 600_000;
/** After such a pause its reports are of before it, and say nothing of now. */
const PAUSE_MS = 1000;

export class Peer {
  readonly key: Uint8Array;
  readonly link: CastLink;
  readonly joinedAt: number;
  /** Blocks sent before it was ready are asked for after all others. */
  firstBlock = 0;
  ready = false;
  /** It was told to leave the groups: too slow for them. */
  isCatchUp = false;
  /** It has not been heard for long, and may be again. */
  isSilent = false;
  outcome: CastOutcome | undefined;
  /** It was stopped by its user or program, for no reason of its own. */
  isInterrupted = false;
  why: string | undefined;
  /** Hashes of held blocks that are not read yet. */
  readonly held: Map<number, Uint8Array> = new Map();
  /** The last block it named as held. */
  haveBlock = 0;
  /** Blocks that it holds or does not want, and those put into its stream: one set, so that a look at it costs little. */
  readonly covered: RangeSet = new RangeSet();
  fedBytes = 0;
  status: Status | undefined;
  statusAt: number;
  /** Reports it may send: several times what PULSE asks for, and what piles up while the network is away. */
  readonly reports: TokenBucket = new TokenBucket(2000, 8192);
  /** Number of its channel, -1 for none. */
  channel = -1;
  largest = -1;
  received = 0;
  /** Its last report is the first after nothing came: what was lost before says nothing of the rate. */
  isBack = false;
  /** How far it was behind the foremost receiver when it reported last, in packets. */
  lag = 0;
  rttMs: number = UNKNOWN_RTT_MS;
  /** The least since the round's judged part; scheduling makes single ones long. */
  roundRttMs: number = Infinity;
  readonly delay: DelayMeter = new DelayMeter();
  lossRate = 0;
  finishedAt = 0;
  /** Symbols sent again to all because of it alone, and when it said last what it misses. */
  wishes = 0;
  wishedAt: number = -Infinity;
  /** When it had written a block more than ever before: by bytes, one could get on without end. */
  progressAt: number;
  /** Every block is there: it puts files in place. */
  hasAll = false;
  /** How much it had written then. */
  #progressBytes = 0;
  /** Since when it is served, by what it reports without a pause. */
  waitsFrom: number = Infinity;
  #hasRtt = false;
  #isAway = false;
  /** Since when it says that it hears nothing. */
  #deafAt: number = Infinity;
  #reportedAt = 0;

  constructor(key: Uint8Array, link: CastLink, now: number) {
    this.key = key;
    this.link = link;
    this.joinedAt = now;
    this.statusAt = now;
    this.progressAt = now;
  }

  /** In the cast, and not at its end yet. */
  get isLive(): boolean {
    return this.ready && this.outcome === undefined;
  }

  /** Gets content by groups. */
  get hears(): boolean {
    const isHere = this.isLive && !this.isSilent && !this.isCatchUp;
    return isHere && this.channel >= 0 && this.status?.deaf === false;
  }

  /** Hears nothing of the groups, and not only since a moment. */
  isDeaf(now: number): boolean {
    return this.status?.deaf === true && now - this.#deafAt >= DEAF_MS;
  }

  get next(): number {
    return this.status?.next ?? 0;
  }

  get writtenBytes(): number {
    return this.status?.writtenBytes ?? 0;
  }

  get state(): ReceiverState {
    if (this.outcome !== undefined) return this.outcome;
    if (!this.ready) return "joining";
    return this.isCatchUp ? "catch-up" : "receiving";
  }

  get path(): "multicast" | "unicast" {
    return this.fedBytes * 2 > this.writtenBytes ? "unicast" : "multicast";
  }

  /** Packets wait in a queue on the way here. */
  get isQueued(): boolean {
    return this.delay.roundMs > QUEUED_MS;
  }

  /** From now on round trips and delays are those of this round. */
  restartRound(): void {
    this.roundRttMs = Infinity;
    this.delay.restart();
  }

  /** @param isLive - what it leaves goes on without it */
  decline({ code, why }: Reason, isLive: boolean): void {
    const isNew = !this.ready && this.writtenBytes === 0;
    this.outcome = isNew ? "declined" : "partial";
    this.why = `${why} (${code})`;
    this.isInterrupted = !isNew && !isLive && code === "MP2P_CLOSED";
  }

  noteProgress({ writtenBytes, next }: Status, now: number, geometry: Geometry): void {
    const { bytes = Infinity, blockBytes, blocks } = geometry;
    this.hasAll = next >= blocks;
    const written = Math.min(writtenBytes, bytes);
    if (written - this.#progressBytes < blockBytes) return;
    this.#progressBytes = written;
    this.progressAt = now;
  }

  /** @param active - the channels in use */
  report(status: Status, now: number, active: readonly Channel[]): void {
    this.#noteAbsence(status, now);
    this.status = status;
    this.statusAt = now;
    const count = status.channels.find(({ channel }) => active.some(isNumbered(channel)));
    this.channel = count?.channel ?? -1;
    if (count !== undefined) {
      // Beyond what was sent: it lies, or others lied to it.
      const sent = active.find(isNumbered(count.channel))?.next ?? 0;
      this.largest = Math.min(count.largest, sent - 1);
      this.received = count.received;
    }
    if (status.stamp !== 0) this.#sample(status, now);
  }

  #noteAbsence({ deaf, heldUs }: Status, now: number): void {
    const isAfterPause = now - this.#reportedAt >= PAUSE_MS;
    this.#reportedAt = now;
    const isAway = deaf || heldUs >= AWAY_US;
    this.isBack = this.#isAway;
    this.#isAway = isAway;
    if (isAway || isAfterPause) this.waitsFrom = Infinity;
    if (!deaf) this.#deafAt = Infinity;
    else if (this.largest < 0) this.#deafAt = -Infinity;
    else if (this.#deafAt === Infinity || isAfterPause) this.#deafAt = now;
  }

  #sample({ stamp, heldUs, delayUs }: Status, now: number): void {
    const elapsed = (Math.round(now * 1000) - stamp - heldUs) % STAMP_MODULUS;
    const rttMs = ((elapsed + STAMP_MODULUS) % STAMP_MODULUS) / 1000;
    if (rttMs > 60_000) return;
    this.delay.add(delayUs, now);
    this.rttMs = this.#hasRtt ? this.rttMs + RTT_GAIN * (rttMs - this.rttMs) : rttMs;
    this.#hasRtt = true;
    this.roundRttMs = Math.min(this.roundRttMs, rttMs);
  }
}

function isNumbered(number: number): (channel: Channel) => boolean {
  return (channel) => channel.number === number;
}

export function stampOf(now: number): number {
  return Math.round(now * 1000) % STAMP_MODULUS || 1;
}
