import type { AckSample, CongestionController } from "./congestion.ts";
import type { PathProperties } from "./contract.ts";
import { Cubic } from "./cubic.ts";
import type { Burst, SentRun } from "./ledger.ts";
import { Pacer } from "./pacer.ts";
import { BASE_PACKET_BYTES, PacketSize } from "./packet-size.ts";
import { Rate } from "./rate.ts";
import { Rtt } from "./rtt.ts";

const INITIAL_WINDOW_PACKETS = 32;
/** On loopback the window only has to cover the schedulers of two processes. */
const LOOPBACK_WINDOW_BYTES = 512 * 1024;
const LOOPBACK_INITIAL_RTT_MS = 1;
/** RFC 9002 section 6.1.1; raised where the path reorders. */
const REORDER_PACKETS = 3;
const REORDER_PACKETS_MAX = 64;
const PTO_BACKOFF_MAX = 10;
const PTO_MS_MAX = 60_000;
/**
 * Doubling alone would leave a path that works again unused for as long as it was dead: probes also
 * come once this part of the silence has passed again, a second at least.
 */
const PROBE_SILENCE_SHARE = 1 / 8;
const PROBE_WAIT_MS = 1000;
export const DRAIN_PTOS = 3;
/** A path that brings nothing for less than this, or than DRAIN_PTOS, is not silent yet (WIRE item 7). */
export const SILENCE_MS_MIN = 500;

export interface PathOptions {
  readonly congestion: "rate" | "cubic";
  readonly ceilingBytes: number;
  /** Window of the path before this one, in bytes; 0 for the first. */
  readonly previousWindow: number;
  readonly now: number;
}

/** What the engine knows of one path: delay, congestion, packet size, and packets in flight there. */
export class PathState {
  readonly id: number;
  properties: PathProperties;
  readonly rtt: Rtt;
  readonly size: PacketSize;
  readonly pacer: Pacer = new Pacer();
  readonly controller: CongestionController;
  /** Bytes sent and neither acknowledged nor lost. */
  inFlight = 0;
  /** Packets sent on this path, over all generations: the order that loss detection goes by. */
  nextSequence = 0;
  largestAcked = -1;
  reorderPackets: number = REORDER_PACKETS;
  /** When the oldest packet that may yet be lost by time is. */
  lossAt: number = Infinity;
  ptoCount = 0;
  /** Probe packets that may leave beyond the window. */
  probes = 0;
  /** When the newest packet in flight that asks for an ACK left. */
  askedAt = 0;
  /** Since when something has been in flight without a pause. */
  busySince = 0;
  /** When something last came by it. */
  heardAt: number;
  /** When it stops being listened to, after a switch. */
  deadAt: number = Infinity;
  packetsSent = 0;
  packetsLost = 0;
  delivered = 0;
  /** Delivered bytes from which on samples are no longer limited by the program; 0 when none are. */
  appLimitedTo = 0;
  sample: AckSample = emptySample(0, 0);
  #deliveredAt = 0;
  #firstSentAt = 0;
  #newestAckedSentAt: number = -Infinity;
  /** Of the sample under way. */
  #newest: SentRun | undefined;
  #oldestAckedSentAt: number = Infinity;
  #collapseFrom: number = Infinity;

  constructor(id: number, properties: PathProperties, options: PathOptions) {
    this.id = id;
    this.properties = properties;
    this.heardAt = options.now;
    const { loopback } = properties;
    const initialRttMs =
      properties.initialRttMs ?? (loopback ? LOOPBACK_INITIAL_RTT_MS : undefined);
    this.rtt = new Rtt(initialRttMs);
    this.size = new PacketSize(options.ceilingBytes, loopback);
    const packetBytes = this.size.current;
    const initialWindow = Math.max(
      INITIAL_WINDOW_PACKETS * packetBytes,
      options.previousWindow / 4,
      loopback ? LOOPBACK_WINDOW_BYTES : 0,
    );
    const Controller = options.congestion === "cubic" ? Cubic : Rate;
    this.controller = new Controller({
      packetBytes,
      initialRttMs: this.rtt.smoothed,
      initialWindow,
      loopback,
    });
  }

  /** How long until nothing of what is under way can still arrive. */
  get drainMs(): number {
    return DRAIN_PTOS * this.rtt.ptoMs;
  }

  /** Whether nothing has come by it for so long that it may be dead. */
  silent(now: number): boolean {
    return now - this.heardAt >= this.silenceMs;
  }

  /** How long a peer that uses it may at most take to be heard on it. */
  get silenceMs(): number {
    return Math.max(SILENCE_MS_MIN, this.drainMs);
  }

  get ptoAt(): number {
    if (this.inFlight === 0) return Infinity;
    const { ptoMs } = this.rtt;
    const backoff = 1 << Math.min(this.ptoCount, PTO_BACKOFF_MAX);
    const silenceMs = this.askedAt - this.heardAt;
    const most = Math.max(ptoMs, PROBE_WAIT_MS, PROBE_SILENCE_SHARE * silenceMs);
    return this.askedAt + Math.min(ptoMs * backoff, most, PTO_MS_MAX);
  }

  /** The delivery state that packets leaving now are measured against. */
  burst(now: number): Burst {
    if (this.inFlight === 0) {
      this.busySince = now;
      this.#firstSentAt = now;
      this.#deliveredAt = now;
    }
    const { delivered } = this;
    if (this.appLimitedTo > 0 && delivered >= this.appLimitedTo) this.appLimitedTo = 0;
    const appLimited = this.appLimitedTo > 0;
    return {
      path: this,
      sentAt: now,
      delivered,
      deliveredAt: this.#deliveredAt,
      firstSentAt: this.#firstSentAt,
      appLimited,
    };
  }

  /** Starts the account of one ACK, or of one look at the clock. */
  beginSample(now: number): void {
    this.sample = emptySample(now, this.inFlight);
    this.#newest = undefined;
    this.#oldestAckedSentAt = Infinity;
    this.#collapseFrom = Infinity;
  }

  countAcked(run: SentRun): void {
    const { sample } = this;
    const { bytes } = run;
    this.inFlight -= bytes;
    this.delivered += bytes;
    sample.ackedBytes += bytes;
    sample.ackedPackets += run.count;
    this.#oldestAckedSentAt = Math.min(this.#oldestAckedSentAt, run.burst.sentAt);
    if (run.packetBytes > BASE_PACKET_BYTES) this.size.bigAcked();
    if (this.#newest === undefined || run.sequence > this.#newest.sequence) this.#newest = run;
    this.largestAcked = Math.max(this.largestAcked, run.sequence + run.count - 1);
  }

  countLost(run: SentRun): void {
    const { sample } = this;
    this.inFlight -= run.bytes;
    if (run.items?.some((item) => item.kind === 0) === true) return;
    this.packetsLost += run.count;
    sample.lostBytes += run.bytes;
    sample.lostPackets += run.count;
    sample.lostSentAt = Math.max(sample.lostSentAt, run.burst.sentAt);
    const { sentAt } = run.burst;
    this.#lookForCollapse(sentAt);
    if (run.packetBytes > BASE_PACKET_BYTES && this.size.bigLost(sentAt, sample.now))
      this.controller.packetBytes = this.size.current;
  }

  /** Packets thought lost arrived: from now on wait longer before thinking so. */
  countSpurious(run: SentRun): void {
    this.delivered += run.bytes;
    this.packetsLost = Math.max(0, this.packetsLost - run.count);
    const late = this.largestAcked - run.sequence + 1;
    this.reorderPackets = Math.min(REORDER_PACKETS_MAX, Math.max(this.reorderPackets, late));
  }

  /** Tells the controller what the ACK said. */
  finishSample(): void {
    const { sample } = this;
    const newest = this.#newest;
    if (newest !== undefined) {
      const { burst } = newest;
      const interval = Math.max(sample.now - burst.deliveredAt, burst.sentAt - burst.firstSentAt);
      this.#firstSentAt = burst.sentAt;
      this.#deliveredAt = sample.now;
      this.#newestAckedSentAt = Math.max(this.#newestAckedSentAt, burst.sentAt);
      sample.rate = interval > 0 ? (this.delivered - burst.delivered) / interval : 0;
      sample.appLimited = burst.appLimited;
      sample.priorDelivered = burst.delivered;
      sample.ackedSentAt = burst.sentAt;
      this.ptoCount = 0;
      this.probes = 0;
    }
    sample.delivered = this.delivered;
    sample.inFlight = this.inFlight;
    sample.minRttMs = this.rtt.min;
    sample.smoothedRttMs = this.rtt.smoothed;
    this.controller.packetBytes = this.size.current;
    if (sample.ackedPackets + sample.lostPackets + sample.marks > 0) this.controller.onAck(sample);
  }

  /** RFC 9002 section 7.6: everything sent over three PTOs is lost, and an ACK of what came after shows it. */
  #lookForCollapse(sentAt: number): void {
    const brackets = sentAt > this.#newestAckedSentAt && sentAt < this.#oldestAckedSentAt;
    if (!brackets || !this.rtt.sampled || this.#newest === undefined) return;
    this.#collapseFrom = Math.min(this.#collapseFrom, sentAt);
    if (sentAt - this.#collapseFrom > this.drainMs) this.sample.persistent = true;
  }
}

function emptySample(now: number, priorInFlight: number): AckSample {
  return {
    now,
    ackedBytes: 0,
    lostBytes: 0,
    ackedPackets: 0,
    lostPackets: 0,
    priorInFlight,
    inFlight: 0,
    rttMs: 0,
    delayMs: 0,
    minRttMs: Infinity,
    smoothedRttMs: 0,
    rate: 0,
    appLimited: false,
    delivered: 0,
    priorDelivered: 0,
    ackedSentAt: -Infinity,
    lostSentAt: -Infinity,
    persistent: false,
    marks: 0,
  };
}
