/** The groups of an endpoint: kept joined, listened to, spoken to, over its socket. See multicast/hub.ts. */
import {
  type DatagramSocket,
  type PacketKeys,
  type Primitives,
  type ReceiveBatch,
  ROW,
  ROW_PLAIN,
  ROW_STREAM,
} from "../backend/port.ts";
import { formatAddress, parseAddress } from "../base/address.ts";
import { Mp2pError } from "../base/errors.ts";
import type { GroupHub, GroupRow, Joined, Service, Speaker } from "../multicast/hub.ts";
import { type Kept, Membership, type Place, type Refusal } from "../multicast/membership.ts";
import type { NetworkInterface } from "../multicast/network-interface.ts";
import type { Identity } from "../noise/identity.ts";
import { ANNOUNCE } from "../wire/announce.ts";
import { emptyGroupRow, fillGroupRow, rowBytes } from "./group-row.ts";
import { HubSpeaker } from "./hub-speaker.ts";
import { hostOf, InterfaceWatch } from "./interfaces.ts";
import type { PathTable } from "./path-table.ts";
import type { SlotNumbers } from "./slot-numbers.ts";

export interface HubConfig {
  readonly socket: DatagramSocket;
  readonly primitives: Primitives;
  readonly identity: Identity;
  /** Interfaces that will do, now. */
  readonly interfaces: () => readonly NetworkInterface[];
  /** Has the core run before this turn of the event loop ends. */
  readonly flush: () => void;
  readonly unixMs: () => number;
}

/** What sessions and groups draw from alike: `EndpointCore` has them. */
export interface Shared {
  readonly paths: PathTable;
  readonly slots: SlotNumbers;
}

type Heard = (packet: Uint8Array, source: string, interfaceName: string, group: string) => void;
type Changed = (interfaces: readonly NetworkInterface[], now: number) => void;

export class EndpointHub implements GroupHub {
  readonly #config: HubConfig;
  readonly #membership: Membership;
  readonly #watch: InterfaceWatch;
  readonly #listeners = new Map<number, (row: GroupRow) => void>();
  readonly #heard = new Map<number, Set<Heard>>();
  readonly #services = new Set<Service>();
  readonly #watchers = new Set<Changed>();
  readonly #row = emptyGroupRow();
  #shared: Shared | undefined;
  #ownHosts: ReadonlySet<string> = new Set();
  #isDue = false;
  #hasHeardOthers = false;

  constructor(config: HubConfig) {
    this.#config = config;
    this.#membership = new Membership(config.socket, config.unixMs);
    this.#watch = new InterfaceWatch(config.interfaces, this.now(), (found, now) =>
      this.#update(found, now),
    );
    this.#update(this.#watch.interfaces, this.now());
    this.#services.add(this.#watch);
    this.#services.add(this.#membership);
  }

  get primitives(): Primitives {
    return this.#config.primitives;
  }

  get key(): Uint8Array {
    return this.#config.identity.key;
  }

  get receiveBufferBytes(): number {
    return this.#config.socket.buffers.receiveBytes;
  }

  get droppedKernel(): number {
    return this.#config.socket.counters().droppedKernel;
  }

  /** Interfaces that refuse groups now, and why. */
  get refusals(): readonly Refusal[] {
    return this.#membership.refusals();
  }

  /** Interfaces by which not even our own packets to groups come in: something here eats them. */
  get deaf(): readonly Place[] {
    return this.#membership.deaf(this.now());
  }

  /** Interfaces and families by which groups of other machines may come in; loopback aside. */
  get hearing(): readonly Place[] {
    return this.#membership.hearing(this.now());
  }

  /** Whether any other machine was heard in a group so far. */
  get hasHeardOthers(): boolean {
    return this.#hasHeardOthers;
  }

  /** What groups are joined on, with addresses. */
  get network(): readonly NetworkInterface[] {
    return this.#watch.interfaces;
  }

  sign(message: Uint8Array): Uint8Array {
    return this.#config.identity.sign(message);
  }

  now(): number {
    return this.#config.socket.now();
  }

  interfaces(): readonly string[] {
    return this.#membership.usable();
  }

  on(group: string, interfaceName: string): string {
    const address = parseAddress(group);
    if (address === undefined) throw new RangeError(`not a group: ${JSON.stringify(group)}`);
    return formatAddress({ ...address, scope: interfaceName });
  }

  join(group: string, source?: string): Joined {
    const kept = this.keep(group, source);
    if (kept.interfaces().length === 0) {
      const cause = kept.refusal();
      kept.leave();
      throw noMulticast(group, cause);
    }
    return {
      get interfaces() {
        return kept.interfaces();
      },
      silent: () => {
        kept.silent(this.now());
        this.changed();
      },
      leave: () => kept.leave(),
    };
  }

  /** Joins where it can, now and as interfaces come: for groups that others may need us in. */
  keep(group: string, source?: string): Kept {
    const kept = this.#membership.keep(group, source, this.now());
    this.changed();
    return kept;
  }

  /** Group and interface of a membership, as `on` writes them; undefined for one that never was. */
  addressOf(membership: number): string | undefined {
    const arrival = this.#membership.arrival(membership);
    return arrival && this.on(arrival.group, arrival.interfaceName);
  }

  listen(keys: PacketKeys, receive: (row: GroupRow) => void): () => void {
    const slot = this.#own().slots.take();
    this.#config.socket.installReceive(slot, keys, true);
    this.#listeners.set(slot, receive);
    return () => {
      if (!this.#listeners.delete(slot)) return;
      this.#config.socket.removeReceive(slot);
      this.#own().slots.release(slot);
    };
  }

  speak(keys: PacketKeys): Speaker {
    return new HubSpeaker(this.#config.socket, this.#own(), keys);
  }

  announcements(kind: number, heard: Heard): () => void {
    const all = this.#heard.get(kind) ?? new Set();
    this.#heard.set(kind, all.add(heard));
    return () => void all.delete(heard);
  }

  announce(group: string, datagram: Uint8Array): void {
    for (const name of this.#membership.usable(parseAddress(group)?.family)) {
      try {
        this.#config.socket.sendPlain(this.on(group, name), datagram);
        // What a firewall does not let out does not come back either.
        this.#membership.sent(group, name, this.now());
      } catch (error) {
        // Refused by the system: other interfaces may do.
        if (!(error instanceof Mp2pError)) throw error;
      }
    }
  }

  attach(service: Service): () => void {
    this.#services.add(service);
    this.changed();
    return () => void this.#services.delete(service);
  }

  changed(): void {
    this.#isDue = true;
    this.#config.flush();
  }

  /** Calls back when interfaces have come, gone or changed. @returns a function that ends it */
  watch(changed: Changed): () => void {
    this.#watchers.add(changed);
    return () => void this.#watchers.delete(changed);
  }

  /** The core's part: what both draw from. Once, before anything is listened to. */
  share(shared: Shared): void {
    this.#shared = shared;
  }

  /** Takes a row of a batch, if it concerns groups and no session. */
  take(batch: ReceiveBatch, at: number): boolean {
    const { rows } = batch;
    const membership = rows[at + ROW.group] as number;
    if (membership !== 0) this.#noteTraffic(membership, batch, at);
    if (rows[at + ROW.kind] === ROW_PLAIN) return this.#takeAnnouncement(batch, at);
    const receive = this.#listeners.get(rows[at + ROW.slot] as number);
    if (receive === undefined) return false;
    // Streams are of sessions: whoever has the keys of a group or a cast made this up.
    if (rows[at + ROW.kind] === ROW_STREAM) return true;
    const row = this.#row;
    fillGroupRow(row, batch, at);
    row.source = this.#sourceOf(batch, at);
    row.interface = this.#membership.arrival(membership)?.interfaceName ?? "";
    receive(row);
    return true;
  }

  nextAt(): number {
    if (this.#isDue) return Number.NEGATIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const service of this.#services) next = Math.min(next, service.nextAt());
    return next;
  }

  run(now: number): void {
    const all = this.#isDue;
    this.#isDue = false;
    for (const service of this.#services) if (all || service.nextAt() <= now) service.run(now);
  }

  writable(now: number): void {
    this.#isDue = true;
    this.run(now);
  }

  #own(): Shared {
    if (this.#shared === undefined) throw new Error("the hub belongs to no core yet");
    return this.#shared;
  }

  #update(interfaces: readonly NetworkInterface[], now: number): void {
    const hosts = interfaces.flatMap(({ addresses }) => addresses.map(({ host }) => host));
    this.#ownHosts = new Set(hosts);
    this.#membership.update(interfaces, now);
    this.#shared?.paths.renew();
    for (const changed of this.#watchers) changed(interfaces, now);
  }

  /** What came from this machine says nothing about the switch. */
  #noteTraffic(membership: number, batch: ReceiveBatch, at: number): void {
    const now = batch.rows[at + ROW.time] as number;
    if (!this.#membership.isQuiet(membership, now)) return;
    if (this.#ownHosts.has(hostOf(this.#sourceOf(batch, at)))) {
      this.#membership.echoed(membership);
      return;
    }
    this.#hasHeardOthers = true;
    this.#membership.heard(membership, now);
  }

  #takeAnnouncement(batch: ReceiveBatch, at: number): boolean {
    const packet = rowBytes(batch, at);
    if (packet[0] !== ANNOUNCE) return false;
    const arrival = this.#membership.arrival(batch.rows[at + ROW.group] as number);
    if (arrival === undefined || packet.length < 3) return true;
    const source = this.#sourceOf(batch, at);
    for (const heard of this.#heard.get(packet[2] as number) ?? [])
      heard(packet, source, arrival.interfaceName, arrival.group);
    return true;
  }

  #sourceOf({ rows, strangers }: ReceiveBatch, at: number): string {
    const path = rows[at + ROW.path] as number;
    return (path < 0 ? strangers[-1 - path] : this.#shared?.paths.address(path)) ?? "";
  }
}

function noMulticast(group: string, cause: Mp2pError | undefined): Mp2pError {
  const why = cause === undefined ? "no interface takes part in it" : cause.message;
  return new Mp2pError("MP2P_NO_MULTICAST", `cannot join ${group}: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: "connect this device to a network; `mp2p doctor` shows which interfaces refuse and why",
  });
}
