/**
 * Says on the local network that a cast is on, as long as it is: inboxes that trust its sender join it by
 * themselves. docs/PROTOCOL.md, "Announcements". Sans-IO.
 */
import { writeCast } from "./announcement.ts";
import type { GroupHub, Service } from "./hub.ts";

/** The first ones come at once, as the first packets on a link are often lost. */
const BURST_MS: readonly number[] = [0, 250, 500, 750];
const INTERVAL_MS = 1000;
const JITTER = 0.2;
/** One who misses three in a row takes it for over. */
const TTL_SECONDS = 4;

export interface CastAnnouncerConfig {
  readonly hub: GroupHub;
  /** X25519 static key, 32 bytes. */
  readonly staticKey: Uint8Array;
  /** 8 bytes. */
  readonly instance: Uint8Array;
  /** 16 bytes. */
  readonly castId: Uint8Array;
  /** The groups announcements go to. */
  readonly groups: readonly string[];
  /** What to name now, at most 8. */
  readonly addresses: () => readonly string[];
  readonly unixMs: () => number;
}

export class CastAnnouncer implements Service {
  readonly #config: CastAnnouncerConfig;
  readonly #detach: () => void;
  #due: number[];
  #seq = 0;

  constructor(config: CastAnnouncerConfig) {
    this.#config = config;
    const now = config.hub.now();
    this.#due = BURST_MS.map((ms) => now + ms);
    this.#detach = config.hub.attach(this);
  }

  nextAt(): number {
    return this.#due[0] ?? Number.POSITIVE_INFINITY;
  }

  run(now: number): void {
    if (now < this.nextAt()) return;
    this.#due = this.#due.filter((at) => at > now);
    if (this.#due.length === 0) this.#due = [now + INTERVAL_MS * this.#jitter()];
    this.#announce(TTL_SECONDS);
  }

  /** The cast is over: nobody need come any more. */
  close(): void {
    this.#detach();
    this.#due = [];
    this.#announce(0);
  }

  #announce(ttlSeconds: number): void {
    const { hub, staticKey, instance, castId, groups, addresses, unixMs } = this.#config;
    this.#seq = Math.max(this.#seq + 1, Math.floor(unixMs()));
    const { key } = hub;
    const named = addresses();
    const sender = { key, staticKey, instance, seq: this.#seq, ttlSeconds, addresses: named };
    for (const group of groups) {
      const packet = writeCast(sender, castId, group, (message) => hub.sign(message));
      hub.announce(group, packet);
    }
  }

  #jitter(): number {
    const [byte = 0] = this.#config.hub.primitives.randomBytes(1);
    return 1 - JITTER + (2 * JITTER * byte) / 255;
  }
}
