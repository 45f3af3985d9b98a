/**
 * Says on the local network that a cast is on, as long as it is: inboxes that trust its sender join it by
 * themselves. docs/PROTOCOL.md, "Announcements". Sans-IO.
 */
import { AnnounceTimes } from "./announce-times.ts";
import { writeCast } from "./announcement.ts";
import type { Service } from "./hub.ts";
import { Self, type SelfConfig } from "./self.ts";

const BURST_MS: readonly number[] = [0, 250, 500, 750];
const INTERVAL_MS = 1000;
/** One who misses three in a row takes it for over. */
const TTL_SECONDS = 4;

export interface CastAnnouncerConfig extends SelfConfig {
  /** 16 bytes. */
  readonly castId: Uint8Array;
}

export class CastAnnouncer implements Service {
  readonly #castId: Uint8Array;
  readonly #self: Self;
  readonly #times: AnnounceTimes;
  readonly #detach: () => void;

  constructor(config: CastAnnouncerConfig) {
    const { hub, castId } = config;
    this.#castId = castId;
    this.#self = new Self(config);
    this.#times = new AnnounceTimes(hub.primitives, BURST_MS);
    this.#times.burst(hub.now());
    this.#detach = hub.attach(this);
  }

  nextAt(): number {
    return this.#times.next;
  }

  run(now: number): void {
    if (now < this.nextAt()) return;
    this.#times.announced(now, INTERVAL_MS);
    this.#announce(TTL_SECONDS);
  }

  /** The cast is over: nobody need come any more. */
  close(): void {
    this.#detach();
    this.#times.end();
    this.#announce(0);
  }

  #announce(ttlSeconds: number): void {
    this.#self.announce(ttlSeconds, (announcement, group, sign) =>
      writeCast(announcement, this.#castId, group, sign),
    );
  }
}
