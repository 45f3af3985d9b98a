/**
 * Members find each other: each announces itself to the group's addresses, sealed under a key that follows
 * from the group's terms. Hints only: what an announcement can do is make a member dial.
 */
import { compareBytes, concat } from "../../base/bytes.ts";
import { ANNOUNCE_KIND_GROUP, BEACON_NONCE_BYTES } from "../../wire/group-beacon.ts";
import { GreatestNumbers } from "../greatest-numbers.ts";
import type { GroupHub, Service } from "../hub.ts";
import { about, between } from "../jitter.ts";
import { StrangeChecks } from "../strange-checks.ts";
import { type AnnouncementKeys, openAnnouncement, sealAnnouncement } from "./announcement.ts";
import type { GroupCounters } from "./counters.ts";
import { memberName } from "./member.ts";
import type { Party } from "./proof.ts";

/** A lost first packet must not cost five seconds, nor a group of 256 its network. */
const FIRST_MS = 250;
const FIRST_COUNT = 4;
const INTERVAL_MS = 5000;
/** A newcomer is answered, by members at random times: it may have come too late to hear them. */
const ANSWER_MS = 100;
const ANSWERS_APART_MS = 1000;
/** The smaller of two dials; the larger does so only where nothing comes of that. */
const PATIENCE_MS = 1500;
const WAITING_MAX = 256;

export interface BeaconOptions extends AnnouncementKeys {
  readonly hub: GroupHub;
  readonly instance: Uint8Array;
  readonly counters: GroupCounters;
  /** Where to announce. */
  readonly groups: () => readonly string[];
  readonly wants: (peer: Party) => boolean;
  /** A member may be at this address: it is to be dialled. */
  readonly found: (peer: Party, address: string) => void;
}

interface Waiting {
  readonly peer: Party;
  readonly address: string;
  readonly at: number;
}

export class Beacon implements Service {
  readonly #options: BeaconOptions;
  readonly #numbers = new GreatestNumbers();
  readonly #waiting = new Map<string, Waiting>();
  readonly #checks = new StrangeChecks();
  readonly #stops: readonly (() => void)[];
  #number: number;
  #sent = 0;
  #announceAt: number;
  #announcedAt = Number.NEGATIVE_INFINITY;

  /** @param unixMs - where numbers begin, so that a restarted endpoint goes on above its last */
  constructor(options: BeaconOptions, unixMs: number) {
    this.#options = options;
    this.#number = unixMs;
    const { hub } = options;
    this.#announceAt = hub.now();
    this.#stops = [
      hub.attach(this),
      hub.announcements(ANNOUNCE_KIND_GROUP, (packet, source) => this.#heard(packet, source)),
    ];
    hub.changed();
  }

  run(now: number): void {
    if (now >= this.#announceAt) this.#announce(now);
    for (const [name, { peer, address, at }] of this.#waiting) {
      if (now < at) continue;
      this.#waiting.delete(name);
      if (this.#options.wants(peer)) this.#options.found(peer, address);
    }
  }

  nextAt(): number {
    let at = this.#announceAt;
    for (const waiting of this.#waiting.values()) at = Math.min(at, waiting.at);
    return at;
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  #announce(now: number): void {
    const { hub, instance, groups } = this.#options;
    const { primitives, key } = hub;
    const sign = (message: Uint8Array) => hub.sign(message);
    for (const to of groups()) {
      const nonce = primitives.randomBytes(BEACON_NONCE_BYTES);
      const announced = { key, instance, number: this.#number++ };
      hub.announce(to, sealAnnouncement(primitives, this.#options, sign, nonce, announced));
    }
    this.#sent++;
    this.#announcedAt = now;
    const isFirst = this.#sent < FIRST_COUNT;
    this.#announceAt = now + (isFirst ? FIRST_MS : about(primitives, INTERVAL_MS));
  }

  #heard(packet: Uint8Array, source: string): void {
    const { hub, counters, wants } = this.#options;
    // Another group's, or none: each group of this endpoint tries.
    const announced = openAnnouncement(hub.primitives, this.#options, packet);
    if (announced === undefined || !wants(announced)) return;
    const now = hub.now();
    const name = memberName(announced);
    if (!this.#numbers.isNew(name, announced.number) || !this.#checks.take(source, now)) return;
    if (!announced.verify()) {
      counters.forgedAnnouncements++;
      return;
    }
    this.#numbers.take(name, announced.number);
    const { key, instance } = announced;
    this.#meet(name, { key, instance }, source, now);
  }

  #meet(name: string, peer: Party, address: string, now: number): void {
    const { hub, instance, found } = this.#options;
    const order = compareBytes(concat(hub.key, instance), concat(peer.key, peer.instance));
    if (order < 0) found(peer, address);
    else if (!this.#waiting.has(name) && this.#waiting.size < WAITING_MAX) {
      this.#waiting.set(name, { peer, address, at: now + PATIENCE_MS });
      if (now - this.#announcedAt >= ANSWERS_APART_MS) {
        const soon = now + between(hub.primitives, 0, ANSWER_MS);
        this.#announceAt = Math.min(this.#announceAt, soon);
      }
    }
    hub.changed();
  }
}
