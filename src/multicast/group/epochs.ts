/**
 * Our sender keys: which one is in use, who holds it, and when there must be another. Whoever leaves must
 * not read on, so the next message waits for a key that it does not have. Whoever joins must not read back,
 * so it gets a key under which nothing was said.
 */
import { toHex } from "../../base/bytes.ts";
import { RecentMap } from "../../base/recent-map.ts";
import { SENDER_KEY_BYTES } from "../../wire/group-records.ts";
import type { GroupHub } from "../hub.ts";
import type { Member } from "./member.ts";
import type { Outgoing } from "./outgoing.ts";
import { senderSlotKeys } from "./sender-keys.ts";

/** Messages wait so long for members to confirm a key; who is slower misses a little, or asks again. */
const CONFIRM_MS = 1000;
/** Those who join while we speak get their key together, so a crowd costs one round of keys a second. */
const JOIN_INTERVAL_MS = 1000;
const LATE_MAX = 1024;

export interface EpochsOptions {
  readonly hub: GroupHub;
  readonly group: Uint8Array;
  readonly run: Uint8Array;
  readonly outgoing: Outgoing;
  /** Proved members. */
  readonly members: () => Iterable<Member>;
  readonly give: (member: Member, epoch: number, key: Uint8Array) => void;
}

interface Pending {
  readonly epoch: number;
  readonly key: Uint8Array;
  readonly waiting: Set<Member>;
  readonly until: number;
}

export class Epochs {
  readonly #options: EpochsOptions;
  #epoch = 0;
  #key: Uint8Array = new Uint8Array(0);
  #lastEpoch = 0;
  #pending: Pending | undefined;
  /** Somebody outside knows the key in use. */
  #leaked = false;
  /** Members without a key wait for the next one. */
  #awaited = false;
  #changedAt = Number.NEGATIVE_INFINITY;
  /** Since when messages wait for a key, however many were begun: who comes and goes must not hold them for ever. */
  #heldAt = Number.POSITIVE_INFINITY;
  /** Keys, in hex, whose endpoints let that time run out: they are waited for no more until they confirm one. */
  readonly #late = new RecentMap<string, true>(LATE_MAX);

  constructor(options: EpochsOptions) {
    this.#options = options;
    this.#use(this.#draw());
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** A member proved itself: it gets a key, now or with the next change. */
  admit(member: Member): void {
    const pending = this.#pending;
    if (pending !== undefined) {
      if (this.#isWaitedFor(member)) pending.waiting.add(member);
      this.#give(member, pending.epoch, pending.key);
    } else if (!this.#leaked && !this.#options.outgoing.usedEpoch) {
      this.#give(member, this.#epoch, this.#key);
    } else this.#awaited = true;
  }

  /** A member is one no more: what it was given is worth nothing from now on. */
  expel(member: Member): void {
    if (member.given === 0) return;
    if (member.given >= this.#epoch) this.#leaked = true;
    if (this.#pending !== undefined && member.given === this.#pending.epoch) {
      this.#pending = undefined;
      this.#awaited = true;
    }
    this.#pending?.waiting.delete(member);
    this.#hold();
  }

  /** A member has installed a key of ours. */
  confirmed(member: Member, epoch: number): void {
    if (epoch > member.given) return;
    member.held = Math.max(member.held, epoch);
    this.#late.delete(keyOf(member));
    if (this.#pending?.epoch === epoch) this.#pending.waiting.delete(member);
  }

  run(now: number): void {
    if (this.#pending === undefined && this.#isDue(now)) this.#begin(now);
    const { outgoing } = this.#options;
    const pending = this.#pending;
    if (pending === undefined || !outgoing.settled) return;
    if (pending.waiting.size > 0 && now < pending.until) return;
    for (const member of pending.waiting) this.#late.set(keyOf(member), true);
    this.#pending = undefined;
    this.#heldAt = Number.POSITIVE_INFINITY;
    this.#changedAt = now;
    this.#use(pending);
  }

  nextAt(now: number): number {
    const pending = this.#pending;
    if (pending !== undefined) {
      // The message on its way ends first; its own time will come.
      if (!this.#options.outgoing.settled) return Number.POSITIVE_INFINITY;
      return pending.waiting.size === 0 ? now : pending.until;
    }
    if (this.#leaked && this.#options.outgoing.queued) return now;
    return this.#awaited ? this.#changedAt + JOIN_INTERVAL_MS : Number.POSITIVE_INFINITY;
  }

  #isDue(now: number): boolean {
    if (this.#leaked && this.#options.outgoing.queued) return true;
    return this.#awaited && now >= this.#changedAt + JOIN_INTERVAL_MS;
  }

  #begin(now: number): void {
    const { epoch, key } = this.#draw();
    this.#awaited = false;
    const waiting = new Set<Member>();
    this.#heldAt = Math.min(this.#heldAt, now);
    this.#pending = { epoch, key, waiting, until: this.#heldAt + CONFIRM_MS };
    this.#hold();
    for (const member of this.#options.members()) {
      if (this.#isWaitedFor(member)) waiting.add(member);
      this.#give(member, epoch, key);
    }
  }

  #draw(): { readonly epoch: number; readonly key: Uint8Array } {
    const key = this.#options.hub.primitives.randomBytes(SENDER_KEY_BYTES);
    return { epoch: ++this.#lastEpoch, key };
  }

  #use({ epoch, key }: { readonly epoch: number; readonly key: Uint8Array }): void {
    const { hub, group, run, outgoing } = this.#options;
    this.#epoch = epoch;
    this.#key = key;
    this.#leaked = false;
    const of = { group, key: hub.key, run, epoch, senderKey: key };
    outgoing.useEpoch(hub.speak(senderSlotKeys(hub.primitives, of)), { group, run, epoch });
    this.#hold();
  }

  #give(member: Member, epoch: number, key: Uint8Array): void {
    this.#options.give(member, epoch, key);
    member.given = epoch;
  }

  #isWaitedFor(member: Member): boolean {
    return !this.#late.has(keyOf(member));
  }

  #hold(): void {
    this.#options.outgoing.held = this.#leaked || this.#pending !== undefined;
  }
}

function keyOf({ channel }: Member): string {
  return toHex(channel.peer.key);
}
