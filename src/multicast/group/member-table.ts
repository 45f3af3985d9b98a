/** Members and those about to be, by key and endpoint: one conversation with each. */
import { compareBytes, concat, equalBytes, toHex } from "../../base/bytes.ts";
import { RecentMap } from "../../base/recent-map.ts";
import type { MemberChannel } from "./greeting.ts";
import { Member, memberName } from "./member.ts";
import type { Party } from "./proof.ts";

/** With ourselves. */
const MEMBERS_MAX = 256;
const GREETING_MS = 10_000;
/** Three records of life lost, and half of another. */
const SILENCE_MS = 20_000;
const BANS_MAX = 1024;
/** Whoever is farther away, or answers late on purpose, asks later than the others: they do not wait for it. */
const RTT_MOST_MS = 100;

/** Why somebody is a member no more. `replaced`: it came again. `closed`: we left. */
export type Departure = "left" | "lost" | "removed" | "refused" | "replaced" | "closed";

export class MemberTable {
  readonly #self: Party;
  readonly #dropped: (member: Member, why: Departure) => void;
  readonly #members = new Map<string, Member>();
  /** Keys in hex. */
  readonly #banned = new RecentMap<string, Uint8Array>(BANS_MAX);

  constructor(self: Party, dropped: (member: Member, why: Departure) => void) {
    this.#self = self;
    this.#dropped = dropped;
  }

  get size(): number {
    return this.#members.size;
  }

  all(): readonly Member[] {
    return [...this.#members.values()];
  }

  proved(): readonly Member[] {
    return this.all().filter(({ proved }) => proved);
  }

  /** Those that hold a key of ours, or are about to. */
  given(): readonly Member[] {
    return this.all().filter(({ given }) => given > 0);
  }

  joined(): readonly Member[] {
    return this.all().filter(({ joined }) => joined);
  }

  /** The greatest round trip to a member, in milliseconds, as far as the others go by it. */
  get rttMs(): number {
    const greatest = this.proved().reduce((most, { channel }) => Math.max(most, channel.rttMs), 0);
    return Math.min(RTT_MOST_MS, greatest);
  }

  banned(): readonly Uint8Array[] {
    return [...this.#banned.values()];
  }

  isBanned(key: Uint8Array): boolean {
    return this.#banned.has(toHex(key));
  }

  ban(key: Uint8Array): void {
    this.#banned.set(toHex(key), key);
  }

  has(peer: Party): boolean {
    return this.#members.has(memberName(peer));
  }

  wants(peer: Party): boolean {
    if (this.isBanned(peer.key) || this.#isSelf(peer)) return false;
    return !this.#members.has(memberName(peer)) && this.#members.size < MEMBERS_MAX - 1;
  }

  /**
   * Takes a conversation in. Where there is one with this peer, the one stays that the smaller of the two
   * opened, and of two by the same side the newer; a peer that came anew always wins.
   *
   * @param run - the peer's, where it is known
   */
  add(channel: MemberChannel, now: number, run?: Uint8Array): Member | undefined {
    const rival = this.#members.get(memberName(channel.peer));
    if (this.isBanned(channel.peer.key) || this.#isSelf(channel.peer)) return undefined;
    if (rival !== undefined) {
      const isAnew = run !== undefined && rival.proved && !equalBytes(rival.run, run);
      if (!isAnew && this.#keeps(rival.channel, channel)) return undefined;
      this.drop(rival, "replaced");
    }
    if (this.#members.size >= MEMBERS_MAX - 1) return undefined;
    const member = new Member(channel, now);
    this.#members.set(member.name, member);
    return member;
  }

  /** Idempotent. */
  drop(member: Member, why: Departure): void {
    if (member.over) return;
    member.over = true;
    if (this.#members.get(member.name) === member) this.#members.delete(member.name);
    this.#dropped(member, why);
  }

  /** Ends conversations that lead nowhere. */
  run(now: number): void {
    for (const member of this.#members.values()) {
      if (now >= deadline(member)) this.drop(member, "lost");
    }
  }

  nextAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const member of this.#members.values()) at = Math.min(at, deadline(member));
    return at;
  }

  #keeps(old: MemberChannel, added: MemberChannel): boolean {
    if (old.opened === added.opened) return false;
    const order = compareBytes(
      concat(this.#self.key, this.#self.instance),
      concat(old.peer.key, old.peer.instance),
    );
    return old.opened === order < 0;
  }

  #isSelf(peer: Party): boolean {
    return equalBytes(peer.key, this.#self.key) && equalBytes(peer.instance, this.#self.instance);
  }
}

function deadline({ proved, since, heardAt }: Member): number {
  return proved ? heardAt + SILENCE_MS : since + GREETING_MS;
}
