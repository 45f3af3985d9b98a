/** What members say to each other one by one: greeting, keys, and what became of each other's messages. */
import { equalBytes } from "../../base/bytes.ts";
import type { Piece } from "../../wire/group-frames.ts";
import { type GroupRecord, REFUSAL } from "../../wire/group-records.ts";
import type { GroupHub } from "../hub.ts";
import { StrangeChecks } from "../strange-checks.ts";
import type { GroupCounters } from "./counters.ts";
import { Epochs } from "./epochs.ts";
import {
  answerHello,
  type Greeter,
  type Hello,
  isWelcome,
  type MemberChannel,
  makeHello,
} from "./greeting.ts";
import { Incoming } from "./incoming.ts";
import type { Member } from "./member.ts";
import type { Departure, MemberTable } from "./member-table.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Places } from "./places.ts";
import { type Budget, WINDOW_BYTES } from "./receiver.ts";

/** Unfinished messages of all members together: four windows. */
const BUDGET_BYTES: number = 4 * WINDOW_BYTES;
/** Of one member: whoever keeps to the rules waits for several times as long. */
const NACKS_APART_MS = 5;

/** A member that does not fetch so much gets no more pieces by its stream; the reliable ask again. */
const FEED_UNSENT_MAX: number = 256 * 1024;
/** Who asked for messages within this may be waiting for the answer. */
const NACKED_MS = 1000;

export interface GroupHooks {
  /** @param data - owned by the receiver */
  deliver(member: Member, seq: number, lost: number, data: Uint8Array): void;
  joined(member: Member): void;
  left(member: Member, why: Departure): void;
}

export interface ConversationsOptions {
  readonly hub: GroupHub;
  readonly greeter: Greeter;
  /** Group id, 32 bytes. */
  readonly group: Uint8Array;
  readonly reliable: boolean;
  /** Whose word removes members everywhere. */
  readonly owner: Uint8Array | undefined;
  readonly table: MemberTable;
  readonly places: Places;
  readonly outgoing: Outgoing;
  readonly counters: GroupCounters;
  readonly hooks: GroupHooks;
}

export class Conversations {
  readonly epochs: Epochs;
  readonly #options: ConversationsOptions;
  readonly #budget: Budget = { bytes: 0, most: BUDGET_BYTES };
  readonly #strange = new StrangeChecks();

  constructor(options: ConversationsOptions) {
    const { hub, group, greeter, outgoing, table } = options;
    this.#options = options;
    this.epochs = new Epochs({
      hub,
      group,
      run: greeter.run,
      outgoing,
      members: () => table.proved(),
      give: (member, epoch, key) => this.#give(member, epoch, key),
    });
  }

  open(channel: MemberChannel, now: number): Member | undefined {
    const { table, greeter } = this.#options;
    const member = table.add(channel, now);
    member?.write(makeHello(greeter, channel), now);
    return member;
  }

  answer(channel: MemberChannel, hello: Hello, now: number): Member | undefined {
    const { table, greeter, counters } = this.#options;
    const welcome = answerHello(greeter, channel, hello);
    const member = welcome && table.add(channel, now, hello.run);
    if (welcome === undefined || member === undefined) {
      // Of two conversations with one peer one ends, and nobody is refused.
      if (!table.has(channel.peer)) counters.refusedMembers++;
      return undefined;
    }
    member.write(welcome, now);
    this.#admit(member, hello.run, now);
    return member;
  }

  receive(member: Member, record: GroupRecord, now: number): void {
    if (member.over) return;
    member.heardAt = now;
    if (!member.proved) this.#greeted(member, record, now);
    else this.#receiveProved(member, record, now);
  }

  remove(key: Uint8Array, now: number): void {
    const { table } = this.#options;
    table.ban(key);
    for (const member of table.all()) {
      if (equalBytes(member.channel.peer.key, key)) {
        member.write({ type: "refuse", code: REFUSAL.removed }, now);
        table.drop(member, "removed");
      } else if (this.#isOwner() && member.proved) member.write({ type: "remove", key }, now);
    }
  }

  /** See `OutgoingOptions.feed`. */
  feed(pieces: readonly Piece[], secret: number, now: number): number {
    let bytes = 0;
    for (const member of this.#options.table.given()) {
      const hasAsked = now - member.nackedAt < NACKED_MS;
      for (const piece of pieces) {
        const isDue = member.fed || (piece.seq < secret && hasAsked);
        if (!isDue || piece.seq < Math.max(member.start, member.done)) continue;
        if (member.channel.unsentBytes > FEED_UNSENT_MAX) break;
        member.write({ type: "piece", ...piece }, now);
        bytes += piece.data.length;
      }
    }
    return bytes;
  }

  /** The table has dropped a member. */
  dropped(member: Member, why: Departure): void {
    member.incoming?.close();
    this.epochs.expel(member);
    member.channel.close();
    if (member.joined) this.#options.hooks.left(member, why);
    this.#options.hub.changed();
  }

  #isOwner(key: Uint8Array = this.#options.hub.key): boolean {
    const { owner } = this.#options;
    return owner !== undefined && equalBytes(owner, key);
  }

  #greeted(member: Member, record: GroupRecord, now: number): void {
    const { greeter, counters, table } = this.#options;
    if (record.type === "welcome" && isWelcome(greeter, member.channel, record)) {
      this.#admit(member, record.run, now);
      return;
    }
    if (record.type === "refuse") counters.refusedMembers++;
    else counters.refusedProofs++;
    table.drop(member, "refused");
  }

  #admit(member: Member, run: Uint8Array, now: number): void {
    const { hub, group, table, hooks, counters, places } = this.#options;
    member.run = run;
    member.incoming = new Incoming({
      hub,
      group,
      key: member.channel.peer.key,
      run,
      budget: this.#budget,
      counters,
      strange: this.#strange,
      address: () => member.channel.address,
      rttMs: () => member.channel.rttMs,
      write: (record) => member.write(record, hub.now()),
      deliver: (seq, lost, data) => {
        this.#join(member);
        hooks.deliver(member, seq, lost, data);
      },
      unheard: () => places.silent(),
      audience: () => ({ members: table.size, rttMs: table.rttMs }),
    });
    this.epochs.admit(member);
    if (!this.#isOwner()) return;
    for (const key of table.banned()) member.write({ type: "remove", key }, now);
  }

  #receiveProved(member: Member, record: GroupRecord, now: number): void {
    const incoming = member.incoming as Incoming;
    const { table } = this.#options;
    switch (record.type) {
      case "key":
        if (!incoming.takeKey(record, now)) break;
        member.hears = record.hears;
        member.write({ type: "keyHeld", epoch: record.epoch }, now);
        this.#joinIfReady(member);
        break;
      case "keyHeld":
        this.epochs.confirmed(member, record.epoch);
        this.#joinIfReady(member);
        break;
      case "head":
        incoming.head(record.seq, now);
        break;
      case "gone":
        incoming.gone(record.seq, now);
        break;
      case "piece":
        incoming.fed(record, now);
        break;
      case "leave":
        table.drop(member, "left");
        break;
      case "refuse":
        table.drop(member, "refused");
        break;
      case "remove":
        if (this.#isOwner(member.channel.peer.key)) this.remove(record.key, now);
        break;
      default:
        this.#receiveReport(member, record, now);
    }
  }

  /** What a member says of our own messages. */
  #receiveReport(member: Member, record: GroupRecord, now: number): void {
    const { outgoing, table } = this.#options;
    switch (record.type) {
      case "nack": {
        if (now - member.nackedAt < NACKS_APART_MS) break;
        member.nackedAt = now;
        const { lowest } = outgoing;
        if (record.missing.some(({ seq }) => seq < lowest))
          member.write({ type: "gone", seq: lowest }, now);
        outgoing.repair(record.missing, now);
        break;
      }
      case "done":
        member.done = Math.max(member.done, Math.min(record.seq, outgoing.next));
        outgoing.release(Math.min(...table.given().map(({ done }) => done)));
        break;
      case "loss":
        outgoing.report(record.received, record.lost);
        break;
      case "deaf":
        member.deaf = record.deaf;
        break;
      case "feed":
        member.fed = record.feed;
        break;
    }
  }

  #give(member: Member, epoch: number, key: Uint8Array): void {
    const { reliable, hub, outgoing, places } = this.#options;
    const seq = outgoing.next;
    // Its first key says from where on our messages are its own.
    if (member.given === 0) {
      member.start = seq;
      member.done = seq;
    }
    member.write({ type: "key", epoch, seq, reliable, hears: places.hears, key }, hub.now());
  }

  #joinIfReady(member: Member): void {
    if (member.incoming?.keyed && member.held > 0) this.#join(member);
  }

  #join(member: Member): void {
    if (member.joined) return;
    member.joined = true;
    this.#options.hooks.joined(member);
  }
}
