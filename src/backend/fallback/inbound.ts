import type { RemoteInfo } from "node:dgram";
import type { GroupDrops, SocketCounters } from "../counters.ts";
import type { PacketKeys, Primitives } from "../port.ts";
import { BatchBuilder } from "./batch-builder.ts";
import { GroupDropLog } from "./group-drops.ts";
import type { Membership } from "./memberships.ts";
import { PacketOpener } from "./packet-opener.ts";
import { ReceiveSlot, requireSlot } from "./packet-slot.ts";
import type { PathTable, Source } from "./path-table.ts";
import type { SodiumHeap } from "./sodium-heap.ts";
import { StrangerSorter } from "./stranger-filter.ts";

const TYPE_DATA = 0x56;

/** @returns false where a full port could not take the COOKIE */
export type Reply = (answer: Uint8Array, to: RemoteInfo) => boolean;

/** The receiving slots: sorts datagrams, opens sealed ones and gathers what passed. */
export class Inbound {
  readonly batch: BatchBuilder = new BatchBuilder();
  readonly sorter: StrangerSorter;
  readonly #opener: PacketOpener;
  readonly #slots = new Map<number, ReceiveSlot>();
  readonly #paths: PathTable;
  readonly #counters: SocketCounters;
  readonly #drops = new GroupDropLog();
  readonly #arrival = { slot: 0, packet: 0, path: 0, time: 0, group: 0 };

  constructor(
    heap: SodiumHeap,
    primitives: Primitives,
    paths: PathTable,
    counters: SocketCounters,
  ) {
    this.#opener = new PacketOpener(heap);
    this.sorter = new StrangerSorter(primitives);
    this.#paths = paths;
    this.#counters = counters;
  }

  install(number: number, keys: PacketKeys, ofMany: boolean): void {
    requireSlot(number);
    const slot = new ReceiveSlot(number, keys, ofMany);
    const holder = this.#opener.slots.find(keys.cid, 0);
    if (holder !== undefined && holder.number !== number) {
      throw new RangeError(`the connection id of slot ${number} is that of slot ${holder.number}`);
    }
    this.remove(number);
    this.#slots.set(number, slot);
    this.#opener.slots.add(slot.cid, slot);
  }

  remove(number: number): void {
    const slot = this.#slots.get(number);
    if (slot === undefined) return;
    this.#slots.delete(number);
    this.#opener.slots.delete(slot.cid);
    this.#opener.keys.forget(slot);
  }

  groupDrops(): readonly GroupDrops[] {
    return this.#drops.busiest();
  }

  /** A datagram of the groups' port that nobody here asked for. */
  refuse(datagram: Uint8Array): void {
    this.#countReceived(datagram);
    this.#counters.droppedGroup++;
  }

  /** @param by - the group it came by; undefined for unicast */
  take(datagram: Uint8Array, from: RemoteInfo, nowMs: number, reply: Reply, by?: Membership): void {
    this.#countReceived(datagram);
    if (datagram[0] === TYPE_DATA) this.#takeSealed(datagram, from, nowMs, by);
    else this.#takePlain(datagram, from, nowMs, reply, by);
  }

  #countReceived(datagram: Uint8Array): void {
    this.#counters.packetsReceived++;
    this.#counters.receiveCalls++;
    this.#counters.bytesReceived += datagram.length;
  }

  #takeSealed(
    datagram: Uint8Array,
    from: RemoteInfo,
    nowMs: number,
    by: Membership | undefined,
  ): void {
    const opener = this.#opener;
    const source = this.#sourceOf(from).text;
    const verdict = opener.open(datagram, source, by?.interface ?? "");
    if (verdict !== "opened") {
      this.#counters[verdict]++;
      if (by !== undefined) this.#drops.count(source, by.interface, verdict);
      return;
    }
    const arrival = this.#arrival;
    arrival.slot = opener.slot;
    arrival.packet = opener.packet;
    arrival.path = this.#pathOf(from);
    arrival.time = nowMs;
    arrival.group = by?.number ?? 0;
    if (opener.isBulk) this.batch.addBulk(arrival, opener);
    else this.batch.addFrames(arrival, opener.payload);
  }

  #takePlain(
    datagram: Uint8Array,
    from: RemoteInfo,
    nowMs: number,
    reply: Reply,
    by: Membership | undefined,
  ): void {
    const source = this.#sourceOf(from);
    const verdict = this.sorter.sort(datagram, source.text, nowMs, by?.interface);
    if (verdict === "pass") {
      const group = by?.number ?? 0;
      const isTaken = this.batch.addPlain(this.#pathOf(from), group, nowMs, datagram);
      if (!isTaken) this.#counters.droppedQueue++;
    } else if (verdict !== "cookie") this.#counters[verdict]++;
    else if (reply(this.sorter.answer, from)) this.#counters.cookiesSent++;
    else this.#counters.droppedLimited++;
  }

  #pathOf(from: RemoteInfo): number {
    const source = this.#sourceOf(from);
    return source.path ?? this.batch.stranger(source.text);
  }

  #sourceOf(from: RemoteInfo): Source {
    return this.#paths.source(from.address, from.port, from.family);
  }
}
