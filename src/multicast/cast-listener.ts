/**
 * Hears of casts on the local network. An announcement is a hint: joining the cast proves whose it is.
 * Only those of keys that somebody follows are verified. Sans-IO.
 */
import { equalBytes, toHex } from "../base/bytes.ts";
import { ANNOUNCE_KIND, parseCastAnnouncement } from "../wire/announce.ts";
import { isSigned } from "./announcement.ts";
import { GreatestNumbers } from "./greatest-numbers.ts";
import type { GroupHub } from "./hub.ts";
import { type Sighting, sightingOf } from "./sighting.ts";
import { StrangeChecks } from "./strange-checks.ts";

/** A cast is told of again as long as it is on: whoever was interrupted joins again. */
const AGAIN_MS = 60_000;
/** Replays of what a key announced long ago can make us dial it so often, and no more. */
const TOLD_PER_KEY = 8;

export interface CastListenerConfig {
  readonly hub: GroupHub;
  /** The groups announcements come by. */
  readonly groups: readonly string[];
  /** Our own instance, 8 bytes: we hear ourselves too. */
  readonly instance: Uint8Array;
}

export interface HeardCast extends Sighting {
  /** 16 bytes. */
  readonly castId: Uint8Array;
}

interface Follower {
  readonly keys: ReadonlySet<string>;
  readonly heard: (cast: HeardCast) => void;
  /** When each cast was told of, by key and cast. */
  readonly toldAt: Map<string, number>;
}

export class CastListener {
  readonly #config: CastListenerConfig;
  readonly #followers = new Set<Follower>();
  /** That verified, by key and cast. */
  readonly #seqs = new GreatestNumbers();
  readonly #checks = new StrangeChecks();
  #stop: (() => void) | undefined;

  constructor(config: CastListenerConfig) {
    this.#config = config;
  }

  /** Tells of casts of these keys, each once, and again after a minute. @returns a function that ends it */
  follow(keys: readonly Uint8Array[], heard: (cast: HeardCast) => void): () => void {
    const follower = { keys: new Set(keys.map(toHex)), heard, toldAt: new Map<string, number>() };
    this.#followers.add(follower);
    this.#stop ??= this.#config.hub.announcements(
      ANNOUNCE_KIND.cast,
      (packet, source, name, group) => this.#heard(packet, source, name, group),
    );
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  }

  #heard(packet: Uint8Array, source: string, interfaceName: string, group: string): void {
    const { hub, groups, instance: ours } = this.#config;
    const announcement = groups.includes(group) ? parseCastAnnouncement(packet) : undefined;
    if (announcement === undefined) return;
    const { key, instance, seq, castId } = announcement;
    const sender = toHex(key);
    const followers = [...this.#followers].filter(({ keys }) => keys.has(sender));
    if (followers.length === 0 || (equalBytes(instance, ours) && equalBytes(key, hub.key))) return;
    const now = hub.now();
    const name = `${sender}.${toHex(castId)}`;
    if (!this.#seqs.isNew(name, seq) || !this.#checks.take(source, now)) return;
    if (!isSigned(hub.primitives, announcement, group)) return;
    this.#seqs.take(name, seq);
    const sighting = sightingOf(announcement, source, interfaceName, now);
    if (sighting.expiresAt <= now) return;
    for (const follower of followers) tell(follower, name, { ...sighting, castId }, now);
  }
}

function tell({ toldAt, heard }: Follower, name: string, cast: HeardCast, now: number): void {
  for (const [each, at] of toldAt) if (now - at >= AGAIN_MS) toldAt.delete(each);
  const sender = name.slice(0, name.indexOf(".") + 1);
  const isCrowded = [...toldAt.keys()].filter((each) => each.startsWith(sender)).length;
  if (toldAt.has(name) || isCrowded >= TOLD_PER_KEY) return;
  toldAt.set(name, now);
  heard(cast);
}
