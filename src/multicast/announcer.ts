/**
 * Says on the local network that this endpoint is there: at the start, when the network changes, from
 * time to time, and when asked. docs/PROTOCOL.md, "Announcements". Sans-IO.
 */
import { ANNOUNCE_KIND, parseQuery } from "../wire/announce.ts";
import { type AnnounceKey, announceKey, askedBy, writePeer, writePrivate } from "./announcement.ts";
import type { Crowd } from "./crowd.ts";
import type { GroupHub, Service } from "./hub.ts";

/** After the first, as the first packets on a link are often lost (ARP, ports that come up). */
const BURST_MS: readonly number[] = [0, 250, 1000];
const LEAST_GAP_MS = 1000;
const ANSWER_MS = { least: 20, most: 120 } as const;
/** One who misses three in a row forgets us. */
const INTERVALS_BELIEVED = 3;
const JITTER = 0.2;
const MAX_SECONDS = 65_535;

export interface AnnouncerConfig {
  readonly hub: GroupHub;
  /** X25519 static key, 32 bytes. */
  readonly staticKey: Uint8Array;
  /** 8 bytes. */
  readonly instance: Uint8Array;
  /** 16 bytes. */
  readonly network: Uint8Array;
  /** The groups announcements go to. */
  readonly groups: readonly string[];
  readonly isPrivate: boolean;
  readonly crowd: Crowd;
  /** What to name now, at most 8, groups among them. */
  readonly addresses: () => readonly string[];
  readonly unixMs: () => number;
}

export class Announcer implements Service {
  readonly #config: AnnouncerConfig;
  readonly #keys: AnnounceKey;
  readonly #stop: () => void;
  /** Announcements still to come of a burst, then the regular one. */
  #due: number[] = [];
  /** When a query is answered; one answer serves all that came meanwhile. */
  #answerAt: number = Number.POSITIVE_INFINITY;
  #lastAt: number = Number.NEGATIVE_INFINITY;
  #seq = 0;

  constructor(config: AnnouncerConfig) {
    const { hub, network } = config;
    this.#config = config;
    this.#keys = announceKey(hub.primitives, hub.key, network);
    this.#stop = hub.announcements(ANNOUNCE_KIND.query, (packet, _source, _name, group) =>
      this.#asked(packet, group),
    );
    this.burst(hub.now());
  }

  /** We are new here, or the network is. */
  burst(now: number): void {
    this.#due = BURST_MS.map((ms) => now + ms);
  }

  nextAt(): number {
    return Math.min(this.#due[0] ?? Number.POSITIVE_INFINITY, this.#answerAt);
  }

  run(now: number): void {
    if (now < this.nextAt()) return;
    this.#due = this.#due.filter((at) => at > now);
    this.#answerAt = Number.POSITIVE_INFINITY;
    const interval = this.#config.crowd.intervalMs(now);
    if (this.#due.length === 0)
      this.#due = [now + interval * this.#between(1 - JITTER, 1 + JITTER)];
    this.#announce(now, Math.ceil((INTERVALS_BELIEVED * interval) / 1000));
  }

  /** The endpoint goes away: who knows of it may forget it. */
  close(): void {
    this.#stop();
    this.#due = [];
    this.#answerAt = Number.POSITIVE_INFINITY;
    this.#announce(this.#config.hub.now(), 0);
  }

  #announce(now: number, ttlSeconds: number): void {
    const { hub, staticKey, instance, groups, isPrivate, addresses, unixMs } = this.#config;
    this.#lastAt = now;
    this.#seq = Math.max(this.#seq + 1, Math.floor(unixMs()));
    const announcement = {
      key: hub.key,
      staticKey,
      instance,
      seq: this.#seq,
      ttlSeconds: Math.min(ttlSeconds, MAX_SECONDS),
      addresses: addresses(),
    };
    const sign = (message: Uint8Array) => hub.sign(message);
    for (const group of groups) {
      const packet = isPrivate
        ? writePrivate(hub.primitives, announcement, group, this.#keys, sign)
        : writePeer(announcement, group, sign);
      hub.announce(group, packet);
    }
  }

  #asked(packet: Uint8Array, group: string): void {
    const { hub, groups } = this.#config;
    const query = groups.includes(group) ? parseQuery(packet) : undefined;
    if (query === undefined || !askedBy(hub.primitives, query, group, this.#keys)) return;
    const now = hub.now();
    const soon = now + this.#between(ANSWER_MS.least, ANSWER_MS.most);
    const at = Math.max(soon, this.#lastAt + LEAST_GAP_MS);
    if (this.#answerAt !== Number.POSITIVE_INFINITY || at >= this.nextAt()) return;
    this.#answerAt = at;
    hub.changed();
  }

  #between(least: number, most: number): number {
    const [high = 0, low = 0] = this.#config.hub.primitives.randomBytes(2);
    return least + ((high * 256 + low) / 65_536) * (most - least);
  }
}
