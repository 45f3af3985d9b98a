/**
 * A network of group hubs in virtual time: what is sent to a group passes one bottleneck and comes to
 * each member with its own loss, delay and rate. Packets are sealed with nothing; keys are compared.
 */

import { SourceWindows } from "../../src/backend/fallback/source-windows.ts";
import {
  DATA_HEADER_BYTES,
  type PacketKeys,
  type Primitives,
  ROW_FRAMES,
  ROW_SYMBOLS,
  type SendPlan,
  type SendResult,
  SPAN,
  SPAN_FRAMES,
  SYMBOL_OVERHEAD_BYTES,
  TAG_BYTES,
} from "../../src/backend/port.ts";
import { equalBytes } from "../../src/base/bytes.ts";
import type { GroupHub, GroupRow, Joined, Service, Speaker } from "../../src/multicast/hub.ts";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

const FRAME_BYTES = DATA_HEADER_BYTES + TAG_BYTES;
/** Packets that come as one batch, as a kernel that joins them would have it. */
const BATCH = 64;
const IP_AND_UDP_BYTES = 28;
const INTERFACE = "sim0";

/** One direction of a wire: a rate, and a queue before it that drops what does not fit. */
export class Wire {
  bitsPerSecond: number;
  readonly queueBytes: number;
  dropped = 0;
  #freeAt = 0;

  constructor(bitsPerSecond: number = Infinity, queueBytes: number = Infinity) {
    this.bitsPerSecond = bitsPerSecond;
    this.queueBytes = queueBytes;
  }

  /** @returns when the packet is through; undefined where it is dropped */
  pass(now: number, bytes: number): number | undefined {
    const bytesPerMs = this.bitsPerSecond / 8000;
    const start = Math.max(now, this.#freeAt);
    if (bytesPerMs < Infinity && (start - now) * bytesPerMs + bytes > this.queueBytes) {
      this.dropped++;
      return undefined;
    }
    this.#freeAt = start + bytes / bytesPerMs;
    return this.#freeAt;
  }
}

interface Packet {
  readonly kind: number;
  readonly packet: number;
  readonly object: number;
  readonly block: number;
  readonly symbol: number;
  readonly bytes: Uint8Array;
  readonly size: number;
}

export interface HubOptions {
  /** 0 to 1. */
  readonly loss?: number;
  /** From the switch to this node. */
  readonly wire?: Wire;
  readonly delayMs?: number;
  readonly receiveBufferBytes?: number;
  /** Groups cannot be joined. */
  readonly deaf?: boolean;
  /** What others see as its address; its own by default. */
  readonly address?: string;
}

export class CastNetwork {
  readonly clock: Clock;
  readonly random: Random;
  readonly primitives: Primitives;
  /** All that goes to groups passes it. */
  readonly bottleneck: Wire;
  readonly hubs: SimHub[] = [];
  /** UDP payload sent to groups. */
  groupBytes = 0;

  constructor(clock: Clock, random: Random, primitives: Primitives, bottleneck: Wire = new Wire()) {
    this.clock = clock;
    this.random = random;
    this.primitives = primitives;
    this.bottleneck = bottleneck;
  }

  hub(options: HubOptions = {}): SimHub {
    const hub = new SimHub(this, this.hubs.length, options);
    this.hubs.push(hub);
    return hub;
  }

  /** @param from - comes back to nobody but other members */
  send(from: SimHub, to: string, keys: PacketKeys, packets: readonly Packet[]): void {
    const { clock } = this;
    let through: { readonly at: number; readonly packet: Packet }[] = [];
    for (const packet of packets) {
      this.groupBytes += packet.size;
      const at = this.bottleneck.pass(clock.now, packet.size + IP_AND_UDP_BYTES);
      if (at !== undefined) through.push({ at, packet });
    }
    while (through.length > 0) {
      const batch = through.slice(0, BATCH);
      through = through.slice(BATCH);
      for (const hub of this.hubs) if (hub !== from) hub.arrive(from, to, keys, batch);
    }
  }
}

class Listener {
  readonly keys: PacketKeys;
  readonly receive: (row: GroupRow) => void;
  readonly #seen = new SourceWindows();

  constructor(keys: PacketKeys, receive: (row: GroupRow) => void) {
    this.keys = keys;
    this.receive = receive;
  }

  takes(packet: number, source: string): boolean {
    const isFresh = this.#seen.isFresh(packet, source, INTERFACE);
    if (isFresh) this.#seen.accept(packet, source, INTERFACE);
    return isFresh;
  }
}

export class SimHub implements GroupHub {
  readonly primitives: Primitives;
  readonly key: Uint8Array;
  readonly receiveBufferBytes: number;
  readonly droppedKernel = 0;
  readonly options: HubOptions;
  readonly address: string;
  /** Set to cut it off. */
  isDown = false;
  loss: number;
  /** Largest UDP payload that comes here. */
  mtuBytes: number = Infinity;
  unknown = 0;
  replayed = 0;
  /** Behind the highest packet number it sent. */
  nextPacket = 0;
  readonly #network: CastNetwork;
  readonly #groups = new Map<string, number>();
  readonly #listeners = new Set<Listener>();
  readonly #services = new Set<Service>();
  #wakeAt = Infinity;
  #isDue = false;

  constructor(network: CastNetwork, number: number, options: HubOptions) {
    this.#network = network;
    this.address = options.address ?? `192.0.2.${number}:6727`;
    this.options = options;
    this.loss = options.loss ?? 0;
    this.primitives = network.primitives;
    this.key = network.random.bytes(32);
    this.receiveBufferBytes = options.receiveBufferBytes ?? 8 * 1024 * 1024;
  }

  sign(): Uint8Array {
    return new Uint8Array(64);
  }

  now(): number {
    return this.#network.clock.now;
  }

  interfaces(): readonly string[] {
    return [INTERFACE];
  }

  on(group: string): string {
    return group;
  }

  join(group: string): Joined {
    if (this.options.deaf) throw new Error("no multicast here");
    this.#groups.set(group, (this.#groups.get(group) ?? 0) + 1);
    return {
      interfaces: [INTERFACE],
      silent: () => undefined,
      leave: () => {
        const left = (this.#groups.get(group) ?? 1) - 1;
        if (left === 0) this.#groups.delete(group);
        else this.#groups.set(group, left);
      },
    };
  }

  listen(keys: PacketKeys, receive: (row: GroupRow) => void): () => void {
    const listener = new Listener(keys, receive);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  speak(keys: PacketKeys): Speaker {
    let next = 0;
    const result: SendResult = { firstPacket: 0, packets: 0, tooBig: 0 };
    const send = (to: string, plan: SendPlan): SendResult => {
      next += plan.skip;
      const packets = packetsOf(plan, next);
      result.firstPacket = next;
      result.packets = packets.length;
      next += packets.length;
      this.nextPacket = Math.max(this.nextPacket, next);
      if (!this.isDown) this.#network.send(this, to, keys, packets);
      return result;
    };
    return { send, remove: () => undefined };
  }

  /** Its machine is asleep until then: nothing comes or goes, and nothing is due. */
  sleep(until: number): void {
    this.isDown = true;
    this.#network.clock.at(until, () => {
      this.isDown = false;
      this.#run();
    });
  }

  announcements(): () => void {
    return () => undefined;
  }

  announce(): void {}

  attach(service: Service): () => void {
    this.#services.add(service);
    this.changed();
    return () => void this.#services.delete(service);
  }

  changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#network.clock.after(0, () => this.#run());
  }

  arrive(
    from: SimHub,
    to: string,
    keys: PacketKeys,
    batch: readonly { readonly at: number; readonly packet: Packet }[],
  ): void {
    if (this.isDown || !this.#groups.has(to)) return;
    const { wire, delayMs = 0.2 } = this.options;
    const { random, clock } = this.#network;
    const packets: Packet[] = [];
    let last = clock.now;
    for (const { at, packet } of batch) {
      if (packet.size > this.mtuBytes || random.chance(this.loss)) continue;
      const through = wire === undefined ? at : wire.pass(at, packet.size + IP_AND_UDP_BYTES);
      if (through === undefined) continue;
      last = Math.max(last, through);
      packets.push(packet);
    }
    clock.at(last + delayMs, () => this.#hear(from, to, keys, packets));
  }

  #hear(from: SimHub, to: string, keys: PacketKeys, packets: readonly Packet[]): void {
    if (this.isDown || !this.#groups.has(to)) return;
    let known = false;
    for (const listener of [...this.#listeners]) {
      if (!equalBytes(listener.keys.cid, keys.cid) || !equalBytes(listener.keys.key, keys.key))
        continue;
      known = true;
      const fresh = packets.filter(({ packet }) => listener.takes(packet, from.address));
      this.replayed += packets.length - fresh.length;
      for (const row of rowsOf(fresh, from.address, this.now())) {
        listener.receive(row);
      }
    }
    if (!known) this.unknown += packets.length;
    this.#arm();
  }

  #run(): void {
    this.#isDue = false;
    if (this.isDown) return;
    for (const service of [...this.#services]) service.run(this.#network.clock.now);
    this.#arm();
  }

  #arm(): void {
    const { clock } = this.#network;
    const next = Math.min(...[...this.#services].map((service) => service.nextAt()));
    if (next === Infinity || this.#isDue) return;
    const at = Math.max(next, clock.now + 0.02);
    this.#wakeAt = at;
    clock.at(at, () => {
      if (this.#wakeAt === at) this.#run();
    });
  }
}

function packetsOf(plan: SendPlan, first: number): Packet[] {
  const packets: Packet[] = [];
  const symbolBytes = plan.packetBytes - SYMBOL_OVERHEAD_BYTES;
  for (let span = 0; span < plan.spanCount; span++) {
    const row = span * SPAN.STRIDE;
    const at = plan.spans[row + SPAN.at] as number;
    const length = plan.spans[row + SPAN.length] as number;
    const object = plan.spans[row + SPAN.stream] as number;
    const offset = plan.spans[row + SPAN.offset] as number;
    const source = plan.sources[plan.spans[row + SPAN.source] as number] as Uint8Array;
    const bytes = source.slice(at, at + length);
    if (plan.spans[row + SPAN.kind] === SPAN_FRAMES) {
      const packet = first + packets.length;
      const size = length + FRAME_BYTES;
      packets.push({ kind: ROW_FRAMES, packet, object: 0, block: 0, symbol: 0, bytes, size });
      continue;
    }
    if (length % symbolBytes !== 0) throw new RangeError("a part of a symbol");
    const block = Math.floor(offset / 0x1_0000);
    for (let symbol = 0; symbol * symbolBytes < length; symbol++) {
      packets.push({
        kind: ROW_SYMBOLS,
        packet: first + packets.length,
        object,
        block,
        symbol: (offset % 0x1_0000) + symbol,
        bytes: bytes.subarray(symbol * symbolBytes, (symbol + 1) * symbolBytes),
        size: plan.packetBytes,
      });
    }
  }
  return packets;
}

/** Neighbours are joined as a backend joins them. Their bytes lie together as they were sent. */
function rowsOf(packets: readonly Packet[], source: string, time: number): GroupRow[] {
  const rows: GroupRow[] = [];
  for (let at = 0; at < packets.length; ) {
    const first = packets[at] as Packet;
    let end = at + 1;
    while (end < packets.length && follows(packets[end - 1] as Packet, packets[end] as Packet))
      end++;
    const { kind, packet, object, block, symbol } = first;
    const bytes = new Uint8Array(
      first.bytes.buffer,
      first.bytes.byteOffset,
      first.bytes.length * (kind === ROW_SYMBOLS ? end - at : 1),
    );
    const count = end - at;
    rows.push({
      kind,
      packet,
      count,
      object,
      block,
      symbol,
      bytes,
      source,
      interface: INTERFACE,
      time,
    });
    at = end;
  }
  return rows;
}

function follows(before: Packet, after: Packet): boolean {
  return (
    before.kind === ROW_SYMBOLS &&
    after.kind === ROW_SYMBOLS &&
    after.packet === before.packet + 1 &&
    after.block === before.block &&
    after.symbol === before.symbol + 1 &&
    after.bytes.buffer === before.bytes.buffer &&
    after.bytes.byteOffset === before.bytes.byteOffset + before.bytes.length
  );
}
