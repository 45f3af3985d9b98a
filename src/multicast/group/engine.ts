/**
 * A group as one member runs it, without clock or sockets: peers that prove that they know the group and are
 * allowed become members, hand each other their sender keys over their sessions, and speak by multicast.
 * docs/PROTOCOL.md, "Secure groups".
 */
import { type GroupRecord, RUN_BYTES } from "../../wire/group-records.ts";
import type { Scope } from "../group-address.ts";
import type { GroupHub, Service } from "../hub.ts";
import { backoffSpanMs } from "./backoff.ts";
import { Conversations, type GroupHooks } from "./conversations.ts";
import { type GroupCounters, groupCounters } from "./counters.ts";
import { answerHello, type Greeter, type Hello, type MemberChannel } from "./greeting.ts";
import { Heads } from "./heads.ts";
import type { Member } from "./member.ts";
import { MemberTable } from "./member-table.ts";
import { Outgoing } from "./outgoing.ts";
import { MESSAGE_BYTES_MAX } from "./partial-message.ts";
import { Places } from "./places.ts";
import type { Party } from "./proof.ts";
import { type GroupKeys, groupAddresses } from "./terms.ts";

const ALIVE_MS = 5000;
/** Asking, gathering and pacing, beside backoff and round trips. */
const REPAIR_SLACK_MS = 40;
/** A member that is busy with something else for so long misses nothing. */
const HOLD_LEAST_MS = 500;

export interface GroupEngineHooks extends GroupHooks {
  /** `send` takes messages again. */
  writable(): void;
}

export interface GroupEngineOptions {
  readonly hub: GroupHub;
  readonly keys: GroupKeys;
  /** Our endpoint's instance, 8 bytes. */
  readonly instance: Uint8Array;
  /** How far IPv6 packets go. */
  readonly scope: Scope;
  readonly reliable: boolean;
  /** Bytes a second at most. */
  readonly rate: number;
  /** Whose word removes members everywhere. */
  readonly owner: Uint8Array | undefined;
  readonly hooks: GroupEngineHooks;
}

export class GroupEngine implements Service {
  readonly counters: GroupCounters = groupCounters();
  readonly #hub: GroupHub;
  readonly #hooks: GroupEngineHooks;
  readonly #reliable: boolean;
  readonly #greeter: Greeter;
  readonly #table: MemberTable;
  readonly #places: Places;
  readonly #outgoing: Outgoing;
  readonly #conversations: Conversations;
  readonly #heads: Heads;
  readonly #detach: () => void;
  #refusedOffer = false;
  readonly #flushed: (() => void)[] = [];
  #closed = false;

  constructor({ hub, keys, instance, scope, reliable, rate, owner, hooks }: GroupEngineOptions) {
    const { primitives } = hub;
    this.#hub = hub;
    this.#hooks = hooks;
    this.#reliable = reliable;
    const self: Party = { key: hub.key, instance };
    const run = primitives.randomBytes(RUN_BYTES);
    this.#greeter = { primitives, proofKey: keys.proof, self, run };
    this.#table = new MemberTable(self, (member, why) => this.#conversations.dropped(member, why));
    const sha512 = (data: Uint8Array) => primitives.sha512(data);
    this.#places = new Places(hub, groupAddresses(keys.id, scope, sha512));
    this.#outgoing = new Outgoing({
      primitives,
      sign: (message) => hub.sign(message),
      reliable,
      rate,
      targets: () => this.#places.targets(this.#table.given()),
      feed: (pieces, secret, now) => this.#conversations.feed(pieces, secret, now),
      holdMs: () => this.#holdMs(),
    });
    this.#conversations = new Conversations({
      hub,
      greeter: this.#greeter,
      group: keys.id,
      reliable,
      owner,
      table: this.#table,
      places: this.#places,
      outgoing: this.#outgoing,
      counters: this.counters,
      hooks,
    });
    this.#heads = new Heads(reliable);
    this.#detach = hub.attach(this);
  }

  /** Members but ourselves. */
  get members(): readonly Member[] {
    return this.#table.joined();
  }

  /** Group addresses we are joined to: where the group is announced. */
  get groups(): readonly string[] {
    return this.#places.groups;
  }

  /** Bytes a second that congestion allows now. */
  get rate(): number {
    return this.#outgoing.rate;
  }

  /** Everything said so far has left and, where the group is reliable, is with every member. */
  get flushed(): boolean {
    if (!this.#outgoing.idle) return false;
    const { next } = this.#outgoing;
    return !this.#reliable || this.#table.given().every(({ done }) => done >= next);
  }

  /** Calls back once `flushed`, or closed. */
  whenFlushed(call: () => void): void {
    this.#flushed.push(call);
    this.#hub.changed();
  }

  /** Whether a conversation with this peer is of use: there is none, and it was not removed. */
  wants(peer: Party): boolean {
    return !this.#closed && this.#table.wants(peer);
  }

  /** Whether this key was shut out. */
  removed(key: Uint8Array): boolean {
    return this.#table.isBanned(key);
  }

  /** Whether the peer proves that it knows this group; nothing changes. */
  knows(channel: MemberChannel, hello: Hello): boolean {
    return !this.#closed && answerHello(this.#greeter, channel, hello) !== undefined;
  }

  /** Begins a conversation on a stream of ours, with a peer that is allowed. */
  open(channel: MemberChannel): Member | undefined {
    if (this.#closed) return undefined;
    const member = this.#conversations.open(channel, this.#hub.now());
    this.#hub.changed();
    return member;
  }

  /** Answers the first record of a stream that a peer opened who `knows` the group and is allowed. */
  answer(channel: MemberChannel, hello: Hello): Member | undefined {
    if (this.#closed) return undefined;
    const member = this.#conversations.answer(channel, hello, this.#hub.now());
    this.#hub.changed();
    return member;
  }

  /** A record from a peer whose conversation is open. */
  receive(member: Member, record: GroupRecord): void {
    this.#conversations.receive(member, record, this.#hub.now());
    this.#hub.changed();
  }

  /** The stream to a peer has ended. */
  ended(member: Member): void {
    this.#table.drop(member, "lost");
  }

  /**
   * @param message - up to 65,536 bytes; owned by the engine from here on
   * @returns false where too much waits to be sent: `writable` follows
   */
  send(message: Uint8Array): boolean {
    if (message.length > MESSAGE_BYTES_MAX)
      throw new RangeError(`a message has up to ${MESSAGE_BYTES_MAX} bytes, not ${message.length}`);
    // Who is alone speaks to nobody: those who come later start at the present.
    if (this.#closed || this.#table.proved().length === 0) return true;
    const taken = this.#outgoing.offer(message);
    this.#refusedOffer ||= !taken;
    this.#hub.changed();
    return taken;
  }

  /** This key is no member any more and becomes none again; by the owner's word: nowhere. */
  remove(key: Uint8Array): void {
    this.#conversations.remove(key, this.#hub.now());
    this.#hub.changed();
  }

  run(now: number): void {
    if (this.#closed) return;
    this.#table.run(now);
    this.#places.run(now);
    for (const member of this.#table.proved()) {
      member.incoming?.run(now);
      if (now - member.wroteAt >= ALIVE_MS) member.write({ type: "alive" }, now);
    }
    const { epochs } = this.#conversations;
    epochs.run(now);
    this.#outgoing.run(now);
    // A key that waited for the message in progress takes over now.
    epochs.run(now);
    this.#outgoing.run(now);
    this.#sayHead(now);
    if (this.#flushed.length > 0 && this.flushed) this.#callFlushed();
    if (!this.#refusedOffer || this.#outgoing.full) return;
    this.#refusedOffer = false;
    this.#hooks.writable();
  }

  nextAt(): number {
    if (this.#closed) return Number.POSITIVE_INFINITY;
    const now = this.#hub.now();
    let at = Math.min(
      this.#table.nextAt(),
      this.#places.nextAt(),
      this.#conversations.epochs.nextAt(now),
      this.#outgoing.nextAt(now),
      this.#headDueAt(),
    );
    for (const { incoming, wroteAt } of this.#table.proved())
      at = Math.min(at, incoming?.nextAt() ?? at, wroteAt + ALIVE_MS);
    // Whoever asks compares with a moment that is over: what is due now was due then.
    return at <= now ? Number.NEGATIVE_INFINITY : at;
  }

  /** Says farewell and ends. */
  close(): void {
    if (this.#closed) return;
    for (const member of this.#table.all()) {
      member.write({ type: "leave" }, this.#hub.now());
      this.#table.drop(member, "closed");
    }
    this.#closed = true;
    this.#outgoing.close();
    this.#places.close();
    this.#detach();
    this.#callFlushed();
  }

  #callFlushed(): void {
    for (const call of this.#flushed.splice(0)) call();
  }

  #headDueAt(): number {
    const { sentBelow, sentAt, queued } = this.#outgoing;
    return this.#heads.dueAt(sentBelow, sentAt, queued);
  }

  #sayHead(now: number): void {
    if (this.#headDueAt() > now) return;
    const seq = this.#outgoing.sentBelow;
    this.#heads.said(seq, now);
    for (const member of this.#table.given()) member.write({ type: "head", seq }, now);
  }

  /** Two rounds of asking and answering: what was not asked for by then is with everybody. */
  #holdMs(): number {
    const { rttMs } = this.#table;
    return Math.max(HOLD_LEAST_MS, 2 * (backoffSpanMs(rttMs) + 2 * rttMs + REPAIR_SLACK_MS));
  }
}
