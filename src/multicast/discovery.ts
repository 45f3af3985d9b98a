/**
 * Finds peers on the local network by what they announce. Announcements are hints: whoever is found is
 * proved by the handshake. Only those of keys somebody looks for are verified. Sans-IO.
 */
import { equalBytes, toHex } from "../base/bytes.ts";
import { RecentMap } from "../base/recent-map.ts";
import {
  ANNOUNCE_KIND,
  parsePeerAnnouncement,
  parsePrivate,
  type SignedAnnouncement,
} from "../wire/announce.ts";
import {
  type AnnounceKey,
  announceKey,
  isSigned,
  openPrivate,
  writeTaggedQuery,
} from "./announcement.ts";
import type { Crowd } from "./crowd.ts";
import type { GroupHub, Service } from "./hub.ts";
import { type Sighting, sightingOf } from "./sighting.ts";
import { StrangeChecks } from "./strange-checks.ts";

/** WIRE item 21. */
const MAX_REMEMBERED = 1024;
/** Keys that each private announcement is tried with. */
const MAX_TRIED_KEYS = 64;
/** Answers may be lost, and who is sought may be about to start. */
const ASK_AGAIN_MS = { first: 250, most: 5000 } as const;

export interface DiscoveryConfig {
  readonly hub: GroupHub;
  /** 16 bytes. */
  readonly network: Uint8Array;
  /** The groups announcements come by. */
  readonly groups: readonly string[];
  /** Our own instance, 8 bytes: we hear ourselves too. */
  readonly instance: Uint8Array;
  readonly crowd: Crowd;
}

/** Somebody who looks for one key, or for everyone. */
interface Search {
  /** undefined: everyone. */
  readonly key: Uint8Array | undefined;
  readonly found: (sighting: Sighting) => void;
  askAt: number;
  gapMs: number;
}

interface Remembered {
  seq: number;
  sighting: Sighting;
}

export class Discovery implements Service {
  readonly #config: DiscoveryConfig;
  readonly #searches = new Set<Search>();
  /** Keys of contacts and of searches, by hex. */
  readonly #keys = new Map<string, { readonly key: Uint8Array; readonly tags: AnnounceKey }>();
  readonly #contacts = new Set<string>();
  /** By key and instance, the one heard last at the end. */
  readonly #seen = new RecentMap<string, Remembered>(MAX_REMEMBERED);
  readonly #checks = new StrangeChecks();
  readonly #stops: readonly (() => void)[];

  constructor(config: DiscoveryConfig) {
    const { hub } = config;
    this.#config = config;
    this.#stops = [
      hub.announcements(ANNOUNCE_KIND.peer, (packet, source, name, group) =>
        this.#heard(parsePeerAnnouncement(packet), source, name, group),
      ),
      hub.announcements(ANNOUNCE_KIND.private, (packet, source, name, group) =>
        this.#heard(this.#opened(packet, group), source, name, group),
      ),
    ];
  }

  /** Keys whose announcements are always believed worth a look, private ones included. */
  follow(keys: readonly Uint8Array[]): void {
    for (const key of keys) this.#contacts.add(this.#learn(key));
  }

  /**
   * Looks for one key, or for everyone, by listening and asking.
   *
   * @returns a function that ends the search
   */
  search(key: Uint8Array | undefined, found: (sighting: Sighting) => void): () => void {
    if (key !== undefined) this.#learn(key);
    const now = this.#config.hub.now();
    const search: Search = { key, found, askAt: now, gapMs: ASK_AGAIN_MS.first };
    this.#searches.add(search);
    for (const { sighting } of this.#seen.values())
      if (sighting.expiresAt > now && isFor(search, sighting.key)) found(sighting);
    this.#config.hub.changed();
    return () => this.#end(search);
  }

  /** What was announced last by an endpoint of this key, verified. */
  known(key: Uint8Array): Sighting | undefined {
    const now = this.#config.hub.now();
    const seen = [...this.#seen.values()].reverse();
    return seen.find(({ sighting }) => sighting.expiresAt > now && equalBytes(sighting.key, key))
      ?.sighting;
  }

  nextAt(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { askAt } of this.#searches) next = Math.min(next, askAt);
    return next;
  }

  run(now: number): void {
    for (const search of this.#searches) {
      if (search.askAt > now) continue;
      search.askAt = now + search.gapMs;
      search.gapMs = Math.min(2 * search.gapMs, ASK_AGAIN_MS.most);
      this.#ask(search.key);
    }
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#searches.clear();
  }

  #ask(key: Uint8Array | undefined): void {
    const { hub, groups } = this.#config;
    const tags = key === undefined ? undefined : this.#keys.get(toHex(key))?.tags;
    for (const group of groups) hub.announce(group, writeTaggedQuery(hub.primitives, group, tags));
  }

  #learn(key: Uint8Array): string {
    const name = toHex(key);
    const { hub, network } = this.#config;
    if (!this.#keys.has(name))
      this.#keys.set(name, { key, tags: announceKey(hub.primitives, key, network) });
    return name;
  }

  #end(search: Search): void {
    this.#searches.delete(search);
    const { key } = search;
    if (key === undefined || this.#contacts.has(toHex(key))) return;
    const isSoughtStill = [...this.#searches].some((each) => each.key && isFor(each, key));
    if (!isSoughtStill) this.#keys.delete(toHex(key));
  }

  #opened(packet: Uint8Array, group: string): SignedAnnouncement | undefined {
    const announcement = parsePrivate(packet);
    if (announcement === undefined) return undefined;
    let tries = 0;
    // Keys sought now come last into the map, and matter most.
    for (const { key, tags } of [...this.#keys.values()].reverse()) {
      if (++tries > MAX_TRIED_KEYS) return undefined;
      const opened = openPrivate(this.#config.hub.primitives, announcement, group, key, tags);
      if (opened !== undefined) return opened;
    }
    return undefined;
  }

  #heard(
    announcement: SignedAnnouncement | undefined,
    source: string,
    interfaceName: string,
    group: string,
  ): void {
    const { hub, crowd, groups } = this.#config;
    const now = hub.now();
    crowd.heard(source, now);
    if (announcement === undefined || !groups.includes(group)) return;
    const { key, instance, seq } = announcement;
    if (this.#isOurs(key, instance) || !this.#isWanted(key)) return;
    const name = `${toHex(key)}.${toHex(instance)}`;
    if (seq <= (this.#seen.get(name)?.seq ?? -1) || !this.#checks.take(source, now)) return;
    if (!isSigned(hub.primitives, announcement, group)) return;
    const sighting = sightingOf(announcement, source, interfaceName, now);
    this.#seen.set(name, { seq, sighting });
    for (const search of [...this.#searches]) if (isFor(search, key)) search.found(sighting);
  }

  #isOurs(key: Uint8Array, instance: Uint8Array): boolean {
    const { hub, instance: ours } = this.#config;
    return equalBytes(instance, ours) && equalBytes(key, hub.key);
  }

  #isWanted(key: Uint8Array): boolean {
    if (this.#contacts.has(toHex(key))) return true;
    for (const search of this.#searches) if (isFor(search, key)) return true;
    return false;
  }
}

function isFor(search: Search, key: Uint8Array): boolean {
  return search.key === undefined || equalBytes(search.key, key);
}
