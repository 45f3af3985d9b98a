/**
 * Members find each other: each announces itself to the group's addresses, sealed under a key that follows
 * from the group's terms. Hints only: what an announcement can do is make a member dial.
 */
import { ascii, compareBytes, concat, toHex } from "../../base/bytes.ts";
import {
  ANNOUNCE_KIND_GROUP,
  BEACON_HEADER,
  BEACON_NONCE_BYTES,
  parseBeaconBody,
  splitBeacon,
  writeBeaconBody,
} from "../../wire/group-beacon.ts";
import type { GroupHub, Service } from "../hub.ts";
import type { GroupCounters } from "./counters.ts";
import { GreatestNumbers } from "./greatest-numbers.ts";
import type { Party } from "./proof.ts";

const LABEL: Uint8Array = ascii("mp2p/1 group announce\0");
const BOX_INFO: Uint8Array = ascii("mp2p/1 group announce key\0");
const ZERO_NONCE: Uint8Array = new Uint8Array(12);

/** A lost first packet must not cost five seconds, nor a group of 256 its network. */
const FIRST_MS = 250;
const FIRST_COUNT = 4;
const INTERVAL_MS = 5000;
const JITTER = 0.2;
/** A newcomer is answered, by members at random times: it may have come too late to hear them. */
const ANSWER_MS = 100;
const ANSWERS_APART_MS = 1000;
/** The smaller of two dials; the larger does so only where nothing comes of that. */
const PATIENCE_MS = 1500;
const WAITING_MAX = 256;
/** Signatures verified a second: strangers who know a group's name could make us do nothing else. */
const VERIFIES_PER_SECOND = 50;

export interface BeaconOptions {
  readonly hub: GroupHub;
  /** `GroupKeys.id` and `.beacon`. */
  readonly group: Uint8Array;
  readonly beaconKey: Uint8Array;
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
  readonly #stops: readonly (() => void)[];
  #number: number;
  #sent = 0;
  #announceAt: number;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #verifies = VERIFIES_PER_SECOND;
  #verifiesAt: number;

  /** @param unixMs - where numbers begin, so that a restarted endpoint goes on above its last */
  constructor(options: BeaconOptions, unixMs: number) {
    this.#options = options;
    this.#number = unixMs;
    const now = options.hub.now();
    this.#announceAt = now;
    this.#verifiesAt = now;
    const { hub } = options;
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
    const { hub, group, beaconKey, instance, groups } = this.#options;
    const { primitives } = hub;
    for (const to of groups()) {
      const body = writeBeaconBody({ key: hub.key, instance, number: this.#number++ });
      const signature = hub.sign(concat(LABEL, group, body));
      const nonce = primitives.randomBytes(BEACON_NONCE_BYTES);
      const key = primitives.hkdfSha512(nonce, beaconKey, BOX_INFO, 32);
      const sealed = primitives.seal(key, ZERO_NONCE, BEACON_HEADER, concat(body, signature));
      hub.announce(to, concat(BEACON_HEADER, nonce, sealed));
    }
    this.#sent++;
    this.#announcedAt = now;
    const random = (primitives.randomBytes(1)[0] as number) / 255;
    this.#announceAt =
      this.#sent < FIRST_COUNT
        ? now + FIRST_MS
        : now + INTERVAL_MS * (1 - JITTER + 2 * JITTER * random);
  }

  #heard(packet: Uint8Array, source: string): void {
    const { hub, group, beaconKey, counters, wants } = this.#options;
    const { primitives } = hub;
    const box = splitBeacon(packet);
    if (box === undefined) return;
    const key = primitives.hkdfSha512(box.nonce, beaconKey, BOX_INFO, 32);
    // Another group's, or none: each group of this endpoint tries.
    const opened = primitives.open(key, ZERO_NONCE, BEACON_HEADER, box.sealed);
    const body = opened === undefined ? undefined : parseBeaconBody(opened);
    if (body === undefined || !wants(body)) return;
    const now = hub.now();
    const name = `${toHex(body.key)}.${toHex(body.instance)}`;
    if (!this.#numbers.isNew(name, body.number) || !this.#mayVerify(now)) return;
    if (!primitives.ed25519Verify(body.key, concat(LABEL, group, body.signed), body.signature)) {
      counters.forgedAnnouncements++;
      return;
    }
    this.#numbers.take(name, body.number);
    this.#meet(name, { key: body.key, instance: body.instance }, source, now);
  }

  #meet(name: string, peer: Party, address: string, now: number): void {
    const { hub, instance, found } = this.#options;
    const order = compareBytes(concat(hub.key, instance), concat(peer.key, peer.instance));
    if (order < 0) found(peer, address);
    else if (!this.#waiting.has(name) && this.#waiting.size < WAITING_MAX) {
      this.#waiting.set(name, { peer, address, at: now + PATIENCE_MS });
      if (now - this.#announcedAt >= ANSWERS_APART_MS) {
        const random = (hub.primitives.randomBytes(1)[0] as number) / 255;
        this.#announceAt = Math.min(this.#announceAt, now + random * ANSWER_MS);
      }
    }
    hub.changed();
  }

  #mayVerify(now: number): boolean {
    const refill = ((now - this.#verifiesAt) * VERIFIES_PER_SECOND) / 1000;
    this.#verifies = Math.min(VERIFIES_PER_SECOND, this.#verifies + refill);
    this.#verifiesAt = now;
    if (this.#verifies < 1) return false;
    this.#verifies--;
    return true;
  }
}
