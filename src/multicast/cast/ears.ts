/** A receiver's ears: the cast's groups joined, its channels listened to. */
import { parseGroup } from "../group-kind.ts";
import type { GroupHub, GroupRow, Joined } from "../hub.ts";
import { channelKeys } from "./channel-keys.ts";
import type { CastKey } from "./key-record.ts";

export class Ears {
  readonly #hub: GroupHub;
  readonly #key: CastKey;
  /** Ciphers we can open packets of. */
  readonly #suites: readonly number[];
  readonly #receive: (channel: number, row: GroupRow) => void;
  #joined: Joined[] = [];
  #listening: (() => void)[] = [];

  constructor(
    hub: GroupHub,
    key: CastKey,
    suites: readonly number[],
    receive: (channel: number, row: GroupRow) => void,
  ) {
    this.#hub = hub;
    this.#key = key;
    this.#suites = suites;
    this.#receive = receive;
  }

  get open(): boolean {
    return this.#joined.length > 0;
  }

  /** Joins what can be joined: a system without multicast, or without the cast's cipher, is fed by unicast. */
  join(): void {
    if (this.open || !this.#suites.includes(this.#key.suite)) return;
    for (const group of this.#key.groups) {
      // A sender may name any group that is free to choose, and nothing else.
      if (parseGroup(group)?.address !== group) continue;
      try {
        this.#joined.push(this.#hub.join(group));
      } catch {
        // Another group may do; where none does, READY says so.
      }
    }
    if (this.open) this.#listen();
  }

  #listen(): void {
    const { suite, senderKey, channels } = this.#key;
    try {
      for (let channel = 0; channel < channels; channel++) {
        const keys = channelKeys(this.#hub.primitives, senderKey, suite, channel);
        this.#listening.push(this.#hub.listen(keys, (row) => this.#receive(channel, row)));
      }
    } catch {
      // Received here already, or its sender gave the same keys to two casts: one of them hears.
      this.leave();
    }
  }

  /**
   * Nothing is heard: the groups are joined anew where that may help, and packet numbers count from
   * anew. Whoever has the key of the cast and forges its sender's address can use up numbers before it does.
   */
  silent(): void {
    if (!this.open) return;
    for (const joined of this.#joined) joined.silent();
    for (const stop of this.#listening.splice(0)) stop();
    this.#listen();
  }

  leave(): void {
    for (const stop of this.#listening.splice(0)) stop();
    for (const joined of this.#joined.splice(0)) joined.leave();
  }
}
