/** The groups that programs open on an endpoint, and the streams of service `group/1` between members. */
import { equalBytes } from "../base/bytes.ts";
import type { Member } from "../multicast/group/member.ts";
import { memberName } from "../multicast/group/member.ts";
import type { Party } from "../multicast/group/proof.ts";
import type { GroupRecord } from "../wire/group-records.ts";
import { GROUP_SERVICE } from "../wire/group-records.ts";
import { GroupChannel } from "./group-channel.ts";
import type { Invitation, OpenGroup } from "./open-group.ts";
import type { Session } from "./session.ts";
import type { SessionRecord } from "./session-record.ts";
import type { Stream } from "./stream.ts";

/** Streams of one session whose opener has not said yet which group it means. */
const UNGREETED_MAX = 8;
const GREETING_MS = 10_000;

export interface GroupServiceConfig {
  readonly now: () => number;
  /** Calls back after a time. @returns a function that cancels */
  readonly after: (ms: number, call: () => void) => () => void;
  /** The session with an endpoint, dialled where there is none. */
  readonly reach: (peer: Party, address: string) => Promise<Session>;
}

export class GroupService {
  readonly #config: GroupServiceConfig;
  /** Conversations by group: each settles when its stream is gone. */
  readonly #groups = new Map<OpenGroup, Set<Promise<void>>>();
  readonly #records = new WeakMap<Session, SessionRecord>();
  readonly #ungreeted = new WeakMap<Session, number>();
  readonly #dialling = new Set<string>();
  /** Streams whose opener proved to know none of our groups. */
  refused = 0;

  constructor(config: GroupServiceConfig) {
    this.#config = config;
  }

  has(id: Uint8Array): boolean {
    return [...this.#groups.keys()].some((group) => equalBytes(group.id, id));
  }

  add(group: OpenGroup): void {
    this.#groups.set(group, new Set());
  }

  /** A group was closed. Resolves when nothing of its conversations is left. */
  async delete(group: OpenGroup): Promise<void> {
    const conversations = this.#groups.get(group) ?? [];
    this.#groups.delete(group);
    await Promise.all(conversations);
  }

  /** Every session of the endpoint comes by here when it is made. */
  opened(session: Session, record: SessionRecord): void {
    this.#records.set(session, record);
  }

  /** Dials a peer that may be a member, unless that is under way. */
  async find(group: OpenGroup, peer: Party, address: string): Promise<void> {
    const name = memberName(peer);
    if (this.#dialling.has(name)) return;
    this.#dialling.add(name);
    try {
      if (!(await group.allows(peer.key))) return;
      await this.invite(group, await this.#config.reach(peer, address));
    } catch {
      // Its next announcement is the next attempt.
    } finally {
      this.#dialling.delete(name);
    }
  }

  /** Begins a conversation with the peer of a session, unless there is one. */
  async invite(group: OpenGroup, session: Session): Promise<Invitation> {
    const record = this.#records.get(session) as SessionRecord;
    const { peer } = record;
    if (!group.engine.wants(peer)) return { peer, over: new Promise(() => undefined) };
    const stream = await session.openStream({ service: GROUP_SERVICE, priority: 0 });
    const channel = new GroupChannel(record, stream, true, this.#config.now);
    const member = group.engine.open(channel);
    if (member !== undefined)
      return { peer, over: this.#begin(group, channel, channel.records(), member) };
    channel.close();
    return { peer, over: Promise.resolve() };
  }

  /** A peer opened a stream: its first record tells which group it means. */
  async accept(session: Session, stream: Stream): Promise<void> {
    const record = this.#records.get(session);
    const waiting = this.#ungreeted.get(session) ?? 0;
    if (record === undefined || waiting >= UNGREETED_MAX) {
      stream.destroy();
      return;
    }
    this.#ungreeted.set(session, waiting + 1);
    const cancel = this.#config.after(GREETING_MS, () => stream.destroy());
    const channel = new GroupChannel(record, stream, false, this.#config.now);
    const records = channel.records();
    try {
      const first = await records.next();
      const met = first.done === true ? undefined : await this.#meet(channel, first.value);
      if (met === undefined) channel.close();
      else void this.#begin(met.group, channel, records, met.member);
    } catch {
      channel.close();
    } finally {
      cancel();
      this.#ungreeted.set(session, (this.#ungreeted.get(session) ?? 1) - 1);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#groups.keys()].map((group) => group.close()));
  }

  async #meet(
    channel: GroupChannel,
    hello: GroupRecord,
  ): Promise<{ readonly group: OpenGroup; readonly member: Member } | undefined> {
    if (hello.type !== "hello") return undefined;
    // Every group is tried, so that the time taken tells nothing of which one it was.
    const known = [...this.#groups.keys()].filter(({ engine }) => engine.knows(channel, hello));
    const [group] = known;
    if (group === undefined) {
      this.refused++;
      return undefined;
    }
    if (!(await group.allows(channel.peer.key))) {
      group.engine.counters.refusedMembers++;
      return undefined;
    }
    const member = group.engine.answer(channel, hello);
    return member && { group, member };
  }

  #begin(
    group: OpenGroup,
    channel: GroupChannel,
    records: AsyncIterable<GroupRecord>,
    member: Member,
  ): Promise<void> {
    const conversations = this.#groups.get(group);
    const conversation = this.#converse(group, channel, records, member).finally(() => {
      conversations?.delete(conversation);
    });
    conversations?.add(conversation);
    return conversation;
  }

  async #converse(
    { engine }: OpenGroup,
    channel: GroupChannel,
    records: AsyncIterable<GroupRecord>,
    member: Member,
  ): Promise<void> {
    try {
      for await (const record of records) engine.receive(member, record);
    } catch {
      // The stream broke off: its end says all.
    }
    engine.ended(member);
    channel.close();
  }
}
