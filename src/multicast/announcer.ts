/**
 * Says on the local network that this endpoint is there: at the start, when the network changes, from
 * time to time, and when asked. docs/PROTOCOL.md, "Announcements". Sans-IO.
 */
import { ANNOUNCE_KIND, parseQuery } from "../wire/announce.ts";
import { AnnounceTimes } from "./announce-times.ts";
import { type AnnounceKey, announceKey, askedBy, writePeer, writePrivate } from "./announcement.ts";
import type { Crowd } from "./crowd.ts";
import type { Service } from "./hub.ts";
import { between } from "./jitter.ts";
import { Self, type SelfConfig, type WriteAnnouncement } from "./self.ts";

const BURST_MS: readonly number[] = [0, 250, 1000];
const LEAST_GAP_MS = 1000;
const ANSWER_MS = { least: 20, most: 120 } as const;
/** One who misses three in a row forgets us. */
const INTERVALS_BELIEVED = 3;
const MAX_SECONDS = 65_535;

export interface AnnouncerConfig extends SelfConfig {
  /** 16 bytes. */
  readonly network: Uint8Array;
  readonly isPrivate: boolean;
  readonly crowd: Crowd;
}

export class Announcer implements Service {
  readonly #config: AnnouncerConfig;
  readonly #keys: AnnounceKey;
  readonly #self: Self;
  readonly #times: AnnounceTimes;
  readonly #stop: () => void;
  /** When a query is answered; one answer serves all that came meanwhile. */
  #answerAt: number = Number.POSITIVE_INFINITY;
  #lastAt: number = Number.NEGATIVE_INFINITY;

  constructor(config: AnnouncerConfig) {
    const { hub, network } = config;
    this.#config = config;
    this.#keys = announceKey(hub.primitives, hub.key, network);
    this.#self = new Self(config);
    this.#times = new AnnounceTimes(hub.primitives, BURST_MS);
    this.#stop = hub.announcements(ANNOUNCE_KIND.query, (packet, _source, _name, group) =>
      this.#asked(packet, group),
    );
    this.burst(hub.now());
  }

  /** We are new here, or the network is. */
  burst(now: number): void {
    this.#times.burst(now);
  }

  nextAt(): number {
    return Math.min(this.#times.next, this.#answerAt);
  }

  run(now: number): void {
    if (now < this.nextAt()) return;
    this.#answerAt = Number.POSITIVE_INFINITY;
    const interval = this.#config.crowd.intervalMs(now);
    this.#times.announced(now, interval);
    const believedSeconds = Math.ceil((INTERVALS_BELIEVED * interval) / 1000);
    this.#announce(now, Math.min(believedSeconds, MAX_SECONDS));
  }

  /** The endpoint goes away: who knows of it may forget it. */
  close(): void {
    this.#stop();
    this.#times.end();
    this.#answerAt = Number.POSITIVE_INFINITY;
    this.#announce(this.#config.hub.now(), 0);
  }

  #announce(now: number, ttlSeconds: number): void {
    const { hub, isPrivate } = this.#config;
    const sealed: WriteAnnouncement = (announcement, group, sign) =>
      writePrivate(hub.primitives, announcement, group, this.#keys, sign);
    this.#lastAt = now;
    this.#self.announce(ttlSeconds, isPrivate ? sealed : writePeer);
  }

  #asked(packet: Uint8Array, group: string): void {
    const { hub, groups } = this.#config;
    const query = groups.includes(group) ? parseQuery(packet) : undefined;
    if (query === undefined || !askedBy(hub.primitives, query, group, this.#keys)) return;
    const now = hub.now();
    const soon = now + between(hub.primitives, ANSWER_MS.least, ANSWER_MS.most);
    const at = Math.max(soon, this.#lastAt + LEAST_GAP_MS);
    if (this.#answerAt !== Number.POSITIVE_INFINITY || at >= this.nextAt()) return;
    this.#answerAt = at;
    hub.changed();
  }
}
