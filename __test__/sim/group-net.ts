/**
 * A network segment for groups: hubs over one simulated switch, in virtual time, with seeded loss,
 * reordering and duplicates. Packets are sealed and opened for real, so who lacks a key reads nothing.
 * Streams between members are reliable and ordered, as sessions are.
 */

import { SourceWindows } from "../../src/backend/fallback/source-windows.ts";
import type { PacketKeys, Primitives, SendPlan, SendResult } from "../../src/backend/port.ts";
import { ROW_FRAMES, SPAN } from "../../src/backend/port.ts";
import { concat, toHex, viewOf, writeUint48 } from "../../src/base/bytes.ts";
import type { GroupHub, GroupRow, Joined, Service, Speaker } from "../../src/multicast/hub.ts";
import type { Identity } from "../../src/noise/identity.ts";
import { Clock } from "./clock.ts";
import { Random } from "./random.ts";

const INTERFACE = "sim0";

export interface NetOptions {
  readonly seed: number;
  /** Probability that a packet does not reach one receiver. */
  readonly loss?: number;
  readonly duplicate?: number;
  /** A packet takes 0.1 ms and up to this much longer. */
  readonly jitterMs?: number;
  /** One way, of streams. */
  readonly streamDelayMs?: number;
}

/** A sealed packet as it was on the wire. */
export interface WirePacket {
  readonly from: SimHub;
  readonly to: string;
  readonly bytes: Uint8Array;
}

export class GroupNet {
  readonly clock: Clock = new Clock();
  readonly random: Random;
  readonly primitives: Primitives;
  readonly hubs: SimHub[] = [];
  /** Everything that was sent, as an eavesdropper records it. */
  readonly wire: WirePacket[] = [];
  /** Kept only where a test asks for it. */
  recording = false;
  /** Where packets seem to come from. */
  alias: (packet: WirePacket) => WirePacket = (packet) => packet;
  loss: number;
  readonly options: NetOptions;
  packets = 0;
  bytes = 0;

  constructor(primitives: Primitives, options: NetOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.loss = options.loss ?? 0;
    this.primitives = seeded(primitives, this.random);
  }

  hub(identity: Identity): SimHub {
    const hub = new SimHub(this, identity, this.hubs.length + 1);
    this.hubs.push(hub);
    return hub;
  }

  /** @returns the same for the same seed, whatever it is asked to draw */
  send(packet: WirePacket): void {
    this.packets++;
    this.bytes += packet.bytes.length;
    if (this.recording) this.wire.push(packet);
    for (const hub of this.hubs) if (hub.hears(packet)) this.#deliver(packet, hub);
  }

  #deliver(packet: WirePacket, hub: SimHub): void {
    if (this.random.chance(this.loss) || this.random.chance(hub.loss)) return;
    const copies = this.random.chance(this.options.duplicate ?? 0) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delay = 0.1 + this.random.next() * (this.options.jitterMs ?? 0);
      this.clock.after(delay, () => hub.arrive(this.alias(packet)));
    }
  }
}

type Heard = Parameters<GroupHub["announcements"]>[1];

interface Listener {
  readonly keys: PacketKeys;
  readonly receive: (row: GroupRow) => void;
  readonly seen: SourceWindows;
}

export class SimHub implements GroupHub {
  readonly primitives: Primitives;
  readonly key: Uint8Array;
  readonly receiveBufferBytes: number = 1 << 20;
  readonly droppedKernel = 0;
  readonly address: string;
  readonly net: GroupNet;
  /** Own share of lost packets, beside the network's. */
  loss = 0;
  /** Its multicast is eaten by a firewall. */
  deaf = false;
  /** Packets that the socket takes before it is full for a moment. */
  socketRoom: number = Number.POSITIVE_INFINITY;
  /** Sealed packets that no key opens, and that were seen before. */
  unknown = 0;
  replayed = 0;
  readonly #identity: Identity;
  readonly #groups = new Set<string>();
  readonly #listeners = new Map<string, Listener>();
  readonly #services = new Set<Service>();
  readonly #heard = new Set<{ readonly kind: number; readonly call: Heard }>();
  #changed = false;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(net: GroupNet, identity: Identity, number: number) {
    this.net = net;
    this.primitives = net.primitives;
    this.#identity = identity;
    this.key = identity.key;
    this.address = `192.0.2.${number >> 8}.${number & 255}:5000`;
  }

  sign(message: Uint8Array): Uint8Array {
    return this.#identity.sign(message);
  }

  now(): number {
    return this.net.clock.now;
  }

  interfaces(): readonly string[] {
    return [INTERFACE];
  }

  on(group: string, interfaceName: string): string {
    return `${interfaceName}|${group}`;
  }

  join(group: string): Joined {
    this.#groups.add(group);
    return {
      interfaces: [INTERFACE],
      silent: () => undefined,
      leave: () => void this.#groups.delete(group),
    };
  }

  /** Slots that are listened to. */
  get listening(): number {
    return this.#listeners.size;
  }

  listen(keys: PacketKeys, receive: (row: GroupRow) => void): () => void {
    const name = toHex(keys.cid);
    this.#listeners.set(name, { keys, receive, seen: new SourceWindows() });
    return () => void this.#listeners.delete(name);
  }

  speak(keys: PacketKeys): Speaker {
    let next = 0;
    const result: SendResult = { firstPacket: 0, packets: 0, tooBig: 0 };
    return {
      send: (to, plan) => {
        result.firstPacket = next;
        result.packets = Math.min(plan.spanCount, this.socketRoom);
        this.socketRoom -= result.packets;
        for (let span = 0; span < result.packets; span++)
          this.net.send({ from: this, to, bytes: seal(this.primitives, keys, next++, plan, span) });
        if (result.packets < plan.spanCount) this.#fillAgain();
        return result;
      },
      remove: () => undefined,
    };
  }

  announcements(kind: number, call: Heard): () => void {
    const entry = { kind, call };
    this.#heard.add(entry);
    return () => void this.#heard.delete(entry);
  }

  announce(group: string, datagram: Uint8Array): void {
    this.net.send({ from: this, to: this.on(group, INTERFACE), bytes: datagram });
  }

  attach(service: Service): () => void {
    this.#services.add(service);
    return () => void this.#services.delete(service);
  }

  changed(): void {
    if (this.#changed) return;
    this.#changed = true;
    this.net.clock.at(this.now(), () => {
      this.#changed = false;
      this.#run();
    });
  }

  hears({ to }: WirePacket): boolean {
    return to === this.address || (!this.deaf && this.#groups.has(to.replace(`${INTERFACE}|`, "")));
  }

  arrive({ from, to, bytes }: WirePacket): void {
    if (bytes[0] === 0x58) {
      for (const { kind, call } of this.#heard)
        if (kind === bytes[2])
          call(bytes, from.address, INTERFACE, to.replace(`${INTERFACE}|`, ""));
      return;
    }
    const listener = this.#listeners.get(toHex(bytes.subarray(1, 9)));
    const opened = listener && open(this.primitives, listener.keys, bytes);
    if (opened === undefined || listener === undefined) {
      if (from !== this) this.unknown++;
      return;
    }
    if (!listener.seen.isFresh(opened.packet, from.address, INTERFACE)) {
      this.replayed++;
      return;
    }
    listener.seen.accept(opened.packet, from.address, INTERFACE);
    listener.receive({
      kind: ROW_FRAMES,
      packet: opened.packet,
      count: 1,
      object: 0,
      block: 0,
      symbol: 0,
      bytes: opened.plaintext,
      source: from.address,
      interface: INTERFACE,
      time: this.now(),
    });
  }

  #run(): void {
    for (const service of this.#services) service.run(this.now());
    let at = Number.POSITIVE_INFINITY;
    for (const service of this.#services) at = Math.min(at, service.nextAt());
    if (at === Number.POSITIVE_INFINITY || at === this.#wakeAt) return;
    this.#wakeAt = at;
    this.net.clock.at(Math.max(at, this.now() + 0.01), () => {
      if (this.#wakeAt === at) this.#wakeAt = Number.POSITIVE_INFINITY;
      this.#run();
    });
  }

  #fillAgain(): void {
    this.net.clock.after(0.5, () => {
      this.socketRoom = 7;
      this.#run();
    });
  }
}

/** Seals span `span` of a plan as the backends do. docs/PROTOCOL.md, "DATA". */
function seal(
  primitives: Primitives,
  keys: PacketKeys,
  packet: number,
  plan: SendPlan,
  span: number,
): Uint8Array {
  const column = SPAN.STRIDE * span;
  const at = plan.spans[column + SPAN.at] as number;
  const source = plan.sources[plan.spans[column + SPAN.source] as number] as Uint8Array;
  const plaintext = source.subarray(at, at + (plan.spans[column + SPAN.length] as number));
  return sealPacket(primitives, keys, packet, plaintext);
}

export function sealPacket(
  primitives: Primitives,
  keys: PacketKeys,
  packet: number,
  plaintext: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(15);
  header[0] = 0x56;
  header.set(keys.cid, 1);
  writeUint48(viewOf(header), 9, packet);
  return concat(
    header,
    primitives.seal(keys.key, nonceOf(keys, packet), header, plaintext.slice()),
  );
}

/** What the holder of these keys reads in a packet. */
export function open(
  primitives: Primitives,
  keys: PacketKeys,
  bytes: Uint8Array,
): { readonly packet: number; readonly plaintext: Uint8Array } | undefined {
  const header = bytes.slice(0, 15);
  const view = viewOf(header);
  const packet = view.getUint16(9) * 2 ** 32 + view.getUint32(11);
  const nonce = nonceOf(keys, packet);
  const plaintext = primitives.open(keys.key, nonce, header, bytes.slice(15));
  return plaintext && { packet, plaintext };
}

function nonceOf({ iv }: PacketKeys, packet: number): Uint8Array {
  const nonce = iv.slice();
  const number = new Uint8Array(6);
  writeUint48(viewOf(number), 0, packet);
  for (let at = 0; at < 6; at++) nonce[6 + at] = (nonce[6 + at] as number) ^ (number[at] as number);
  return nonce;
}

/** Primitives whose randomness comes from the seed. */
function seeded(primitives: Primitives, random: Random): Primitives {
  return new Proxy(primitives, {
    get(target, name: keyof Primitives) {
      if (name === "randomBytes") return (length: number) => random.bytes(length);
      return (target[name] as (...args: never[]) => unknown).bind(target);
    },
  });
}
