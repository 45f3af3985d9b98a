/** Whole endpoint cores in virtual time: addresses, links that may be one-way, restarts and rebinds. */
import { type GroupDrops, noCounts, type SocketCounters } from "../../src/backend/counters.ts";
import {
  type DatagramSocket,
  type PacketKeys,
  type Primitives,
  ROW,
  ROW_FRAMES,
  ROW_PLAIN,
  ROW_STREAM,
  type SendPlan,
  type SendResult,
  type SocketHandler,
  type StrangerFilter,
} from "../../src/backend/port.ts";
import { equalBytes, readUint48, toHex, viewOf } from "../../src/base/bytes.ts";
import { isGroup } from "../../src/path/ladder.ts";
import type { Clock } from "./clock.ts";
import type { SimPacket } from "./link.ts";
import type { Random } from "./random.ts";
import { SimSocket } from "./socket.ts";
import { type Member, type Port, Switch } from "./switch.ts";

const PLAIN = "plain";

export interface InternetOptions {
  readonly delayMs: number;
  readonly loss?: number;
  readonly reorderMs?: number;
  /** Larger UDP payloads are lost. */
  readonly largestBytes?: number;
}

/** Carries packets between addresses. */
export class Internet {
  readonly clock: Clock;
  readonly random: Random;
  options: InternetOptions;
  /** Every unsealed packet that was sent, for replays. */
  readonly plainSeen: { readonly from: string; readonly to: string; readonly bytes: Uint8Array }[] =
    [];
  /** Whether packets from one address reach another now. */
  reaches: (from: string, to: string) => boolean = () => true;
  readonly groups: Switch;
  readonly #sockets = new Map<string, MemorySocket>();

  constructor(clock: Clock, random: Random, options: InternetOptions) {
    this.clock = clock;
    this.random = random;
    this.options = options;
    this.groups = new Switch(clock, random, options);
  }

  plug(address: string, socket: MemorySocket): void {
    this.#sockets.set(address, socket);
  }

  unplug(address: string): void {
    this.#sockets.delete(address);
  }

  /** From a socket to an address or a group. */
  send(from: MemorySocket, to: string, packet: SimPacket): void {
    if (isGroup(to)) this.groups.send(from, to, packet);
    else this.carry(from.address, to, packet);
  }

  carry(from: string, to: string, packet: SimPacket): void {
    if (packet.key === PLAIN) this.plainSeen.push({ from, to, bytes: packet.plaintext });
    const { delayMs, loss = 0, reorderMs = 0, largestBytes = Infinity } = this.options;
    if (!this.reaches(from, to) || this.random.chance(loss) || packet.size > largestBytes) return;
    const late = delayMs + this.random.next() * reorderMs;
    this.clock.after(late, () => this.#sockets.get(to)?.arrive(from, packet));
  }
}

interface ReceiveSlot {
  readonly slot: number;
  readonly keys: PacketKeys;
  readonly seen: Set<number>;
}

/** backend/port.ts in memory; packets are not sealed but carry the name of their key. */
export class MemorySocket implements DatagramSocket, Member {
  address: string;
  readonly ports: readonly Port[];
  readonly hopLimit: number;
  readonly buffers: { receiveBytes: number; sendBytes: number } = {
    receiveBytes: 1 << 22,
    sendBytes: 1 << 22,
  };
  readonly sealed: SimSocket;
  readonly #internet: Internet;
  readonly #primitives: Primitives;
  readonly #paths = new Map<string, number>();
  readonly #remotes = new Map<number, string>();
  readonly #receive = new Map<string, ReceiveSlot>();
  readonly #expected = new Set<string>();
  #filter: StrangerFilter | undefined;
  #handler: SocketHandler | undefined;
  readonly #memberships = new Map<number, string>();
  #lastPath = 0;
  #lastMembership = 0;

  constructor(
    internet: Internet,
    primitives: Primitives,
    address: string,
    { ports = [], hopLimit = 1 }: Partial<Pick<Member, "ports" | "hopLimit">> = {},
  ) {
    this.#internet = internet;
    this.#primitives = primitives;
    this.address = address;
    this.ports = ports;
    this.hopLimit = hopLimit;
    this.sealed = new SimSocket(internet.random, (path, packet) =>
      internet.send(this, this.#remotes.get(path) ?? "nowhere", packet),
    );
    internet.plug(address, this);
  }

  get addresses(): readonly string[] {
    return [this.address];
  }

  /** The NAT in front forgets its mapping: the next packet comes from another address. */
  rebind(address: string): void {
    this.#internet.unplug(this.address);
    this.address = address;
    this.#internet.plug(address, this);
  }

  start(handler: SocketHandler): void {
    this.#handler = handler;
  }

  now(): number {
    return this.#internet.clock.now;
  }

  join(group: string): number {
    this.#memberships.set(++this.#lastMembership, group);
    this.#internet.groups.report(this, group);
    return this.#lastMembership;
  }

  leave(membership: number): void {
    const group = this.#memberships.get(membership);
    this.#memberships.delete(membership);
    if (group !== undefined) this.#internet.groups.leave(this, group);
  }

  groupDrops(): readonly GroupDrops[] {
    return [];
  }

  addPath(remote: string): number {
    const path = this.#paths.get(remote) ?? ++this.#lastPath;
    this.#paths.set(remote, path);
    this.#remotes.set(path, remote);
    return path;
  }

  removePath(path: number): void {
    this.#paths.delete(this.#remotes.get(path) ?? "");
    this.#remotes.delete(path);
  }

  sendPlain(remote: string, datagram: Uint8Array): boolean {
    const packet = { key: PLAIN, packet: 0, size: datagram.length, plaintext: datagram.slice() };
    this.#internet.send(this, remote, packet);
    return true;
  }

  installSend(slot: number, keys: PacketKeys): void {
    this.sealed.installSend(slot, keyName(keys));
  }

  installReceive(slot: number, keys: PacketKeys): void {
    this.#receive.set(keyName(keys), { slot, keys, seen: new Set() });
  }

  removeSend(slot: number): void {
    this.sealed.removeSend(slot);
  }

  removeReceive(slot: number): void {
    for (const [name, each] of this.#receive) if (each.slot === slot) this.#receive.delete(name);
  }

  sendSealed(slot: number, path: number, plan: SendPlan): SendResult {
    return this.sealed.sendSealed(slot, path, plan);
  }

  setFilter(filter: StrangerFilter): void {
    this.#filter = filter;
  }

  expect(cid: Uint8Array): void {
    this.#expected.add(toHex(cid));
  }

  unexpect(cid: Uint8Array): void {
    this.#expected.delete(toHex(cid));
  }

  counters(): SocketCounters {
    return noCounts();
  }

  async close(): Promise<void> {
    this.#internet.unplug(this.address);
    this.#internet.groups.unplug(this);
  }

  ref(): void {}
  unref(): void {}

  arriveInGroup(from: string, group: string, packet: SimPacket): void {
    for (const [membership, joined] of this.#memberships)
      if (joined === group) this.arrive(from, packet, membership);
  }

  arrive(from: string, packet: SimPacket, membership = 0): void {
    const rows = new Float64Array(ROW.STRIDE);
    const slab = packet.key === PLAIN ? this.#plain(packet) : this.#opened(rows, packet);
    if (slab === undefined) return;
    rows[ROW.length] = slab.length;
    rows[ROW.path] = this.#paths.get(from) ?? -1;
    rows[ROW.time] = this.now();
    rows[ROW.group] = membership;
    if (packet.key === PLAIN) rows[ROW.kind] = ROW_PLAIN;
    this.#handler?.receive({ slab, rows, rowCount: 1, strangers: [from] });
  }

  #plain({ plaintext }: SimPacket): Uint8Array | undefined {
    if (plaintext[0] !== 0x50) {
      return this.#expected.has(toHex(plaintext.subarray(4, 12))) ? plaintext : undefined;
    }
    const mac = plaintext.subarray(352, 368);
    const known = this.#filter?.addressees.some(({ mac1Key }) => {
      const right = this.#primitives
        .hmacSha512(mac1Key, plaintext.subarray(0, 352))
        .subarray(0, 16);
      return equalBytes(right, mac);
    });
    return known ? plaintext : undefined;
  }

  #opened(rows: Float64Array, { key, packet, plaintext }: SimPacket): Uint8Array | undefined {
    const receive = this.#receive.get(key);
    if (receive === undefined || receive.seen.has(packet)) return undefined;
    receive.seen.add(packet);
    rows[ROW.slot] = receive.slot;
    rows[ROW.packet] = packet;
    rows[ROW.count] = 1;
    const bulk = (plaintext[0] as number) >> 1 === 8;
    rows[ROW.kind] = bulk ? ROW_STREAM : ROW_FRAMES;
    if (!bulk) return plaintext;
    const view = viewOf(plaintext);
    rows[ROW.stream] = view.getUint32(1);
    rows[ROW.offset] = readUint48(view, 5);
    rows[ROW.fin] = (plaintext[0] as number) & 1;
    return plaintext.subarray(11);
  }
}

function keyName({ key, cid }: PacketKeys): string {
  return `${toHex(cid)}.${toHex(key)}`;
}
