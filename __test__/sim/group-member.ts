/** A member of a simulated group: its engine, its streams to others, and what it was delivered. */
import type { Primitives } from "../../src/backend/port.ts";
import { ascii, concat, equalBytes, toHex } from "../../src/base/bytes.ts";
import { Beacon } from "../../src/multicast/group/beacon.ts";
import { GroupEngine } from "../../src/multicast/group/engine.ts";
import type { MemberChannel } from "../../src/multicast/group/greeting.ts";
import type { Member } from "../../src/multicast/group/member.ts";
import type { Departure } from "../../src/multicast/group/member-table.ts";
import type { Party } from "../../src/multicast/group/proof.ts";
import { type GroupTerms, groupKeys } from "../../src/multicast/group/terms.ts";
import { SCOPE } from "../../src/multicast/group-address.ts";
import { Identity } from "../../src/noise/identity.ts";
import {
  type GroupRecord,
  GroupRecordReader,
  writeGroupRecord,
} from "../../src/wire/group-records.ts";
import type { GroupNet, SimHub } from "./group-net.ts";

/** Of a record: its length goes before. */
const TYPE_AT = 2;

export interface Delivered {
  readonly from: Uint8Array;
  readonly seq: number;
  readonly lost: number;
  readonly data: Uint8Array;
  readonly at: number;
}

export interface SimMemberOptions {
  readonly secret?: Uint8Array;
  readonly name?: string;
  readonly owner?: Uint8Array;
  readonly reliable?: boolean;
  readonly rate?: number;
  readonly allows?: (key: Uint8Array) => boolean;
  /** The same for two members: one identity with two endpoints. */
  readonly seed?: Uint8Array;
  /** Members announce themselves and dial whom they hear. */
  readonly beacon?: boolean;
}

export class SimMember {
  readonly net: GroupNet;
  readonly hub: SimHub;
  readonly engine: GroupEngine;
  readonly party: Party;
  readonly delivered: Delivered[] = [];
  readonly events: string[] = [];
  /** Records this member was sent, with the peer they came from. */
  readonly records: { readonly from: Party; readonly record: GroupRecord }[] = [];
  readonly #options: SimMemberOptions;
  readonly #beacon: Beacon | undefined;
  readonly #channels = new Set<SimChannel>();
  writable = 0;
  refused = 0;
  gone = false;
  /** The type of records that it does not write, though the rules say so. */
  withholds: number | undefined;

  constructor(net: GroupNet, options: SimMemberOptions = {}) {
    this.net = net;
    this.#options = options;
    const identity = new Identity(net.primitives, options.seed ?? net.random.bytes(32));
    this.hub = net.hub(identity);
    this.party = { key: identity.key, instance: net.random.bytes(8) };
    const keys = groupKeys(net.primitives, termsOf(options));
    this.engine = new GroupEngine({
      hub: this.hub,
      keys,
      instance: this.party.instance,
      scope: SCOPE.site,
      reliable: options.reliable ?? false,
      rate: options.rate ?? 12_500_000,
      owner: options.owner,
      hooks: {
        deliver: ({ channel }, seq, lost, data) =>
          this.delivered.push({ from: channel.peer.key, seq, lost, data, at: net.clock.now }),
        joined: (member) => this.events.push(`joined ${short(member)}`),
        left: (member, why: Departure) => this.events.push(`left ${short(member)} ${why}`),
        writable: () => void this.writable++,
      },
    });
    const { hub, party, engine } = this;
    if (!options.beacon) return;
    this.#beacon = new Beacon(
      {
        hub,
        group: keys.id,
        beaconKey: keys.beacon,
        instance: party.instance,
        counters: engine.counters,
        groups: () => engine.groups,
        wants: (peer) => engine.wants(peer),
        found: (peer) => void this.#dial(peer),
      },
      1000,
    );
  }

  /** Opens a stream to another member, as the endpoint does once it has dialled. */
  meet(other: SimMember): void {
    if (this.gone || other.gone || !this.#allows(other.party.key)) return;
    const session = exporterOf(this.net.primitives, this.party, other.party);
    const ours = new SimChannel(this, other, true, session);
    const theirs = new SimChannel(other, this, false, session);
    ours.far = theirs;
    theirs.far = ours;
    this.#channels.add(ours);
    other.#channels.add(theirs);
    ours.member = this.engine.open(ours);
    if (ours.member === undefined) ours.close();
  }

  /** First record of a stream that was opened to us. @returns whether it was taken */
  greet(channel: SimChannel, record: GroupRecord): boolean {
    if (record.type !== "hello" || !this.engine.knows(channel, record)) {
      this.refused++;
      return false;
    }
    if (!this.#allows(channel.peer.key)) {
      this.refused++;
      return false;
    }
    channel.member = this.engine.answer(channel, record);
    return channel.member !== undefined;
  }

  /** The process is killed: nothing more is sent or heard. */
  vanish(): void {
    this.gone = true;
    this.hub.deaf = true;
    this.#beacon?.close();
    for (const channel of this.#channels) channel.cut = true;
  }

  leave(): void {
    this.#beacon?.close();
    this.engine.close();
    this.gone = true;
  }

  say(text: string): boolean {
    return this.engine.send(ascii(text));
  }

  /** Writes a record to another member, whatever the rules say. */
  lie(to: SimMember, record: GroupRecord): void {
    for (const channel of this.#channels)
      if (channel.peer === to.party) channel.write(writeGroupRecord(record));
  }

  /** What came from one member, as text. */
  heard(from: SimMember): string[] {
    return this.delivered
      .filter((each) => equalBytes(each.from, from.party.key))
      .map(({ data }) => String.fromCharCode(...data));
  }

  forget(channel: SimChannel): void {
    this.#channels.delete(channel);
  }

  #allows(key: Uint8Array): boolean {
    return this.#options.allows?.(key) ?? true;
  }

  #dial(peer: Party): void {
    const other = peers(this.net).get(toHex(concat(peer.key, peer.instance)));
    if (other !== undefined)
      this.net.clock.after(1, () => this.engine.wants(peer) && this.meet(other));
  }
}

export class SimChannel implements MemberChannel {
  readonly peer: Party;
  readonly opened: boolean;
  readonly unsentBytes = 0;
  exporters: readonly Uint8Array[];
  readonly address: string;
  member: Member | undefined;
  far: SimChannel | undefined;
  /** Nothing passes any more, and nobody is told. */
  cut = false;
  readonly #self: SimMember;
  readonly #reader = new GroupRecordReader();
  #closed = false;

  constructor(self: SimMember, peer: SimMember, opened: boolean, exporter: Uint8Array) {
    this.#self = self;
    this.peer = peer.party;
    this.address = peer.hub.address;
    this.opened = opened;
    this.exporters = [exporter];
  }

  get rttMs(): number {
    return 2 * this.#delayMs;
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.cut || this.#self.withholds === bytes[TYPE_AT]) return;
    this.#self.net.clock.after(this.#delayMs, () => this.far?.arrive(bytes));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#self.forget(this);
    if (!this.cut) this.#self.net.clock.after(this.#delayMs, () => this.far?.ended());
  }

  arrive(bytes: Uint8Array): void {
    if (this.cut || this.#closed) return;
    const records = this.#reader.push(bytes);
    if (records === "malformed") {
      this.close();
      return;
    }
    for (const record of records) this.#receive(record);
  }

  ended(): void {
    if (this.cut || this.#closed) return;
    if (this.member !== undefined) this.#self.engine.ended(this.member);
    this.close();
  }

  #receive(record: GroupRecord): void {
    this.#self.records.push({ from: this.peer, record });
    if (this.member !== undefined) this.#self.engine.receive(this.member, record);
    else if (!this.#self.greet(this, record)) this.close();
  }

  get #delayMs(): number {
    return this.#self.net.options.streamDelayMs ?? 0.5;
  }
}

const registries = new WeakMap<GroupNet, Map<string, SimMember>>();

function peers(net: GroupNet): Map<string, SimMember> {
  const known = registries.get(net) ?? new Map<string, SimMember>();
  registries.set(net, known);
  return known;
}

/** Members of one group that all meet each other. */
export function gather(net: GroupNet, count: number, options: SimMemberOptions = {}): SimMember[] {
  const members = Array.from({ length: count }, () => newMember(net, options));
  for (const [index, member] of members.entries())
    for (const other of members.slice(0, index)) member.meet(other);
  net.clock.run(net.clock.now + 100);
  return members;
}

export function newMember(net: GroupNet, options: SimMemberOptions = {}): SimMember {
  const member = new SimMember(net, options);
  const { key, instance } = member.party;
  peers(net).set(toHex(concat(key, instance)), member);
  return member;
}

function termsOf({ secret, name = "sim", owner }: SimMemberOptions): GroupTerms {
  const nothing = new Uint8Array(0);
  return { name: ascii(name), secret: secret ?? nothing, owner: owner ?? nothing };
}

/** A session has one channel, whoever opens streams in it. */
function exporterOf({ sha512 }: Primitives, one: Party, other: Party): Uint8Array {
  const parties = [one, other].map(({ key, instance }) => concat(key, instance));
  parties.sort((left, right) => (toHex(left) < toHex(right) ? -1 : 1));
  return sha512(concat(...parties));
}

function short({ channel }: Member): string {
  return toHex(channel.peer.key.subarray(0, 4));
}
