/**
 * The sender of a cast, sans-IO: content comes in by a port, bursts leave by the hub, receivers talk by
 * their streams (`audience.ts`). docs/PROTOCOL.md, "Cast".
 */
import { Mp2pError } from "../../base/errors.ts";
import type { GroupHub, Service } from "../hub.ts";
import { Audience } from "./audience.ts";
import type { AuthHead } from "./auth-frame.ts";
import { BlockSource } from "./block-source.ts";
import { Channels } from "./channels.ts";
import type { CastProgress, CastReport, ReceiverStatus } from "./contract.ts";
import { Demand } from "./demand.ts";
import { Feed } from "./feed.ts";
import { Flow } from "./flow.ts";
import { Geometry } from "./geometry.ts";
import { type Peer, stampOf } from "./peer.ts";
import type { CastLink, ContentPort } from "./ports.ts";
import { Pulse, statusInterval } from "./pulse.ts";
import { RECORD } from "./records.ts";
import { castReport, progressOf, statusesOf } from "./report.ts";
import type { SenderOptions } from "./sender-options.ts";
import { isSettled, StartGate } from "./start-gate.ts";
import { type Pace, stuckPeers } from "./stuck.ts";
import { Transmitter } from "./transmitter.ts";
import { noteWishes } from "./wishes.ts";

const TURN_BYTES = 2 * 1024 * 1024;
const IDLE_PULSE_MS = 250;
const LEFT = { code: "MP2P_CLOSED", why: "it closed the connection" } as const;

export class CastSender implements Service {
  readonly #hub: GroupHub;
  readonly #geometry: Geometry;
  readonly #source: BlockSource;
  readonly #channels: Channels;
  readonly #transmitter: Transmitter;
  readonly #flow: Flow;
  readonly #feed: Feed;
  readonly #audience: Audience;
  readonly #demand: Demand;
  readonly #pulse = new Pulse();
  readonly #gate: StartGate;
  readonly #ended: (report: CastReport | undefined, error: unknown) => void;
  readonly #detach: () => void;
  readonly #openedAt: number;
  #startedAt: number | undefined;
  readonly #isFixed: boolean;
  #isOver = false;
  #hasMore = false;
  /** It would send, but for the pace; else what it waits for wakes it. */
  #isPaced = false;

  /** @param ended - called once: with the report, or with why there is none */
  constructor(
    hub: GroupHub,
    content: ContentPort,
    options: SenderOptions,
    ended: (report: CastReport | undefined, error: unknown) => void,
  ) {
    const { primitives } = hub;
    this.#hub = hub;
    this.#ended = ended;
    this.#openedAt = hub.now();
    this.#isFixed = options.cast.rate !== undefined;
    this.#gate = new StartGate(options.cast, this.#openedAt);
    const senderKey = primitives.randomBytes(32);
    const authSeed = primitives.randomBytes(32);
    this.#channels = new Channels(hub, options.groups, senderKey, options.suite);
    const packetBytes = this.#channels.fit(options.packetSizes);
    this.#geometry = new Geometry(packetBytes, content.bytes);
    this.#source = new BlockSource(content, this.#geometry, primitives, () => hub.changed());
    this.#transmitter = new Transmitter(this.#geometry, this.#source, this.#channels, {
      primitives,
      castId: options.castId,
      authSeed,
      head: () => this.#head(),
      skips: (block) => this.#demand.skips(block),
      parityAhead: () => this.#flow.parityAhead(this.#audience.hearers()),
    });
    this.#flow = new Flow(options.cast, packetBytes, (peer) => this.#audience.slow(peer));
    this.#feed = new Feed(this.#geometry, this.#source);
    const key = {
      suite: options.suite,
      packetBytes,
      authKey: primitives.ed25519PublicKey(authSeed),
      senderKey,
      manifestBytes: content.manifest.length,
      manifestHash: primitives.blake3(content.manifest),
      channels: this.#channels.all.length,
      groups: options.groups,
    };
    this.#audience = new Audience(
      { ...options, primitives, key: hub.key, manifest: content.manifest },
      { source: this.#source, geometry: this.#geometry, castKey: key },
      {
        sentBlocks: () => this.#transmitter.block,
        reported: (peer) => this.#reported(peer),
        channels: () => [...this.#channels.active],
        gone: (peer) => this.#flow.forget(peer),
      },
      this.#openedAt,
    );
    this.#demand = new Demand(this.#audience, this.#geometry, this.#source);
    this.#detach = hub.attach(this);
  }

  /** A receiver's stream. */
  join(key: Uint8Array, link: CastLink): Peer {
    return this.#audience.add(key, link, this.#hub.now());
  }

  receive(peer: Peer, type: number, body: Uint8Array): void {
    const now = this.#hub.now();
    this.#audience.receive(peer, type, body, now);
    if (type === RECORD.READY) this.#pulse.soon(now);
    this.#hub.changed();
  }

  /** A receiver's stream is gone. @param isClosed - it closed its session, as one does that ends in order */
  left(peer: Peer, isClosed: boolean): void {
    const now = this.#hub.now();
    if (isClosed && peer.ready) this.#audience.decline(peer, LEFT, now);
    else this.#audience.lose(peer, "its connection is gone", now);
    this.#hub.changed();
  }

  progress(): CastProgress {
    const rate = this.#flow.rate.rate * 1000;
    const { bytes: total, blockBytes } = this.#geometry;
    const bytes = Math.min(total ?? Infinity, this.#transmitter.block * blockBytes);
    return progressOf(this.#audience.peers, { bytes, total, rate, wireBytes: this.#wireBytes() });
  }

  receivers(): readonly ReceiverStatus[] {
    const now = this.#hub.now();
    const times = { from: this.#startedAt ?? this.#openedAt, to: now };
    const absence = this.#isOver ? () => undefined : this.#audience.absence(now);
    return statusesOf(this.#audience.peers, this.#geometry.bytes, times, absence);
  }

  /** Ends it: receivers that are not complete are told, and are partial in the report. */
  stop(): void {
    if (this.#isOver) return;
    this.#audience.abort(new Mp2pError("MP2P_CLOSED", "the sender ended it"), this.#hub.now());
    this.#finish(undefined);
  }

  /** Ends it without a report. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#audience.abort(error, this.#hub.now());
    this.#finish(error ?? new Mp2pError("MP2P_CLOSED", "the cast was cancelled"));
  }

  run(now: number): void {
    if (this.#isOver) return;
    if (this.#source.failure !== undefined) {
      this.fail(this.#source.failure);
      return;
    }
    this.#audience.expire(now);
    if (this.#startedAt === undefined) this.#gather(now);
    if (this.#startedAt !== undefined) this.#cast(now);
    if (!this.#isOver) this.#audience.keepAlive(now);
  }

  nextAt(): number {
    if (this.#hasMore) return 0;
    const others = Math.min(this.#pulse.nextAt(), this.#audience.aliveAt);
    if (this.#startedAt === undefined) return others;
    const repairs = Math.max(this.#transmitter.repairs.nextAt(), this.#flow.readyAt());
    return Math.min(others, repairs, this.#isPaced ? this.#flow.readyAt() : this.#flow.roundEndsAt);
  }

  /** Its length is not known yet. */
  #isLive(): boolean {
    return this.#geometry.bytes === undefined;
  }

  #pace(): Pace {
    return { rate: this.#flow.rate.rate, isFixed: this.#isFixed };
  }

  #wireBytes(): number {
    return this.#channels.wireBytes + this.#feed.wireBytes;
  }

  #gather(now: number): void {
    const live = this.#audience.live();
    if (this.#pulse.isDue(now)) {
      if (live.length > 0) this.#transmitter.pulse(true);
      this.#pulse.sent(now, live.every(isSettled) ? IDLE_PULSE_MS : 0);
    }
    const verdict = this.#gate.verdict(now, this.#audience.peers);
    if (verdict === "none") this.fail(new Mp2pError("MP2P_TIMEOUT", "no receiver came"));
    if (verdict !== "start") return;
    this.#startedAt = now;
    this.#cover();
  }

  #cast(now: number): void {
    const hearers = this.#audience.hearers();
    if (hearers.some(({ channel }) => channel < 0)) this.#cover();
    this.#flow.round(now, hearers, [...this.#channels.active]);
    this.#audience.tellEnd();
    const settled = this.#demand.settle(this.#transmitter.block);
    if (settled !== undefined) this.#transmitter.repairs.forget(settled);
    this.#hasMore = this.#send(now, hearers);
    if (this.#feedAll(now)) this.#hasMore = true;
    if (this.#pulse.isDue(now)) {
      this.#transmitter.pulse(this.#audience.live().some(({ status }) => status?.deaf));
      this.#pulse.sent(now, Math.min(...hearers.map(({ rttMs }) => rttMs), IDLE_PULSE_MS));
    }
    for (const peer of stuckPeers(hearers, this.#transmitter.block, this.#geometry, this.#pace()))
      this.#audience.slow(peer);
    for (const peer of this.#demand.tooSlow(this.#transmitter.block, now))
      this.#audience.lose(peer, "too slow for what is live", now);
    if (this.#audience.isOver(now)) this.#finish(undefined);
  }

  /** @returns whether more could leave at once */
  #send(now: number, hearers: readonly Peer[]): boolean {
    this.#isPaced = false;
    if (hearers.length === 0) {
      // A live content has to be read on, whoever is left to feed.
      if (this.#isLive())
        this.#transmitter.skipTo(this.#demand.readableTo(this.#transmitter.block));
      return false;
    }
    const channels = [...this.#channels.active];
    for (let sent = 0; sent < TURN_BYTES; ) {
      const { paced, window } = this.#flow.allowance(now, hearers, channels);
      this.#isPaced = paced <= 0;
      if (this.#isPaced) return false;
      const { block } = this.#transmitter;
      const isAtEnd = this.#isLive() && block >= this.#demand.readableTo(block);
      const bytes = this.#transmitter.send(now, paced, isAtEnd ? 0 : window);
      this.#flow.spent(bytes);
      if (bytes === 0 && this.#transmitter.block === block) return false;
      if (bytes > 0) this.#pulse.sending(this.#flow.rate.isStartup);
      sent += bytes;
    }
    return true;
  }

  #feedAll(now: number): boolean {
    const { block } = this.#transmitter;
    const end = this.#isLive() ? block : this.#geometry.blocks;
    const isBulk = this.#isFewBulk();
    let hasMore = false;
    for (const peer of this.#audience.live()) {
      const all = peer.isCatchUp || peer.isDeaf(now);
      if (this.#feed.run(peer, { all, bulk: isBulk, end })) hasMore = true;
    }
    return hasMore;
  }

  #reported(peer: Peer): void {
    if (!peer.hears || this.#startedAt === undefined) return;
    this.#flow.reported(peer, this.#audience.hearers());
    if (this.#flow.isIgnored(peer)) return;
    if (!noteWishes(peer, this.#transmitter, this.#geometry, this.#isFewBulk(), this.#hub.now()))
      this.#audience.slow(peer);
  }

  /** Whether whole blocks that are missing go by unicast. */
  #isFewBulk(): boolean {
    return this.#transmitter.isDone && this.#demand.isFewBulk();
  }

  #cover(): void {
    this.#channels.cover(this.#audience.live().map(({ status }) => status?.heard ?? 0));
    this.#audience.rechannel();
  }

  #head(): AuthHead {
    const receivers = this.#audience.live().length;
    const { isDone, block, repairs } = this.#transmitter;
    const isCasting = this.#startedAt !== undefined && (!isDone || repairs.size > 0);
    return {
      stamp: stampOf(this.#hub.now()),
      sentBlocks: block,
      statusIntervalMs: statusInterval(receivers, this.#flow.rate, isCasting),
      receivers,
      report: isDone || this.#flow.isClosed,
    };
  }

  #finish(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#detach();
    this.#channels.close();
    const times = { from: this.#startedAt ?? this.#openedAt, to: this.#hub.now() };
    const totals = { bytes: this.#geometry.bytes ?? 0, wireBytes: this.#wireBytes() };
    const { peers } = this.#audience;
    this.#ended(error === undefined ? castReport(peers, totals, times) : undefined, error);
  }
}
