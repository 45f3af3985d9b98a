/** What an endpoint says of itself in each of its announcements, whatever they are of. */
import type { PeerAnnouncement } from "../wire/announce.ts";
import type { Sign } from "./announcement.ts";
import type { GroupHub } from "./hub.ts";

export interface SelfConfig {
  readonly hub: GroupHub;
  /** X25519 static key, 32 bytes. */
  readonly staticKey: Uint8Array;
  /** 8 bytes. */
  readonly instance: Uint8Array;
  /** The groups announcements go to. */
  readonly groups: readonly string[];
  /** What to name now, at most 8, groups among them. */
  readonly addresses: () => readonly string[];
  readonly unixMs: () => number;
}

/** @returns the packet for one group */
export type WriteAnnouncement = (
  announcement: PeerAnnouncement,
  group: string,
  sign: Sign,
) => Uint8Array;

export class Self {
  readonly #config: SelfConfig;
  #seq = 0;

  constructor(config: SelfConfig) {
    this.#config = config;
  }

  /** @param ttlSeconds - 0: whoever heard of it may forget it */
  announce(ttlSeconds: number, write: WriteAnnouncement): void {
    const { hub, staticKey, instance, groups, addresses, unixMs } = this.#config;
    // Above the last one, and above those of a run before this one.
    this.#seq = Math.max(this.#seq + 1, Math.floor(unixMs()));
    const announcement = {
      key: hub.key,
      staticKey,
      instance,
      seq: this.#seq,
      ttlSeconds,
      addresses: addresses(),
    };
    for (const group of groups)
      hub.announce(
        group,
        write(announcement, group, (message) => hub.sign(message)),
      );
  }
}
