import type { RemoteInfo } from "node:dgram";
import { performance } from "node:perf_hooks";
import { type Address, parseAddress } from "../../base/address.ts";
import { Mp2pError } from "../../base/errors.ts";
import { type GroupDrops, noCounts, type SocketCounters } from "../counters.ts";
import type {
  DatagramSocket,
  MulticastOptions,
  PacketKeys,
  Primitives,
  SendPlan,
  SendResult,
  SocketHandler,
  SocketOptions,
  StrangerFilter,
} from "../port.ts";
import { requireCid } from "./cid-table.ts";
import { GroupSockets } from "./group-sockets.ts";
import { Inbound, type Reply } from "./inbound.ts";
import type { Membership } from "./memberships.ts";
import { Outbound } from "./outbound.ts";
import { MOST_PACKET_BYTES } from "./packet-opener.ts";
import { PathTable, type Remote } from "./path-table.ts";
import type { SodiumHeap } from "./sodium-heap.ts";
import { type BufferSizes, bindUdpPort, type UdpPort } from "./udp-port.ts";

const MOST_BINDS = 8;
/** Asked for where the caller asks for nothing: the event loop may be busy for some milliseconds. */
const BUFFER_BYTES = 4_194_304;
/** The descriptor itself is gone; everything else may pass. */
const BEYOND_REPAIR: ReadonlySet<string | undefined> = new Set(["EBADF", "ENOTSOCK"]);

/**
 * Sockets of `node:dgram` as one. What arrived within one turn of the event loop, at most 32
 * datagrams a bound address by libuv's own limit, is handed over as one batch at its end.
 */
export class FallbackSocket implements DatagramSocket {
  readonly addresses: readonly string[];
  readonly buffers: { readonly receiveBytes: number; readonly sendBytes: number };
  readonly #ports: readonly UdpPort[];
  readonly #paths = new PathTable();
  readonly #counters: SocketCounters = noCounts();
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #groups: GroupSockets;
  #handler: SocketHandler | undefined;
  #isDeliveryDue = false;
  #refused = false;
  #closed: Promise<void> | undefined;

  constructor(
    ports: readonly UdpPort[],
    options: OpenedOptions,
    heap: SodiumHeap,
    primitives: Primitives,
  ) {
    this.#ports = ports;
    this.addresses = ports.map((port) => port.address);
    this.buffers = {
      receiveBytes: Math.min(...ports.map((port) => port.receiveBytes)),
      sendBytes: Math.min(...ports.map((port) => port.sendBytes)),
    };
    this.#inbound = new Inbound(heap, primitives, this.#paths, this.#counters);
    this.#outbound = new Outbound(heap, this.#sent);
    const handler = {
      answer: (port: UdpPort, datagram: Uint8Array, from: RemoteInfo) =>
        this.#receive(datagram, from, (answer, to) => this.#reply(port, answer, to)),
      member: (membership: Membership, datagram: Uint8Array, from: RemoteInfo) =>
        this.#receive(datagram, from, this.#replyToMember(membership), membership),
      stray: (datagram: Uint8Array) => this.#inbound.refuse(datagram),
    };
    const { multicast, binds, buffers } = options;
    this.#groups = new GroupSockets(multicast, binds, buffers, handler, this.now);
  }

  start(handler: SocketHandler): void {
    if (this.#handler !== undefined) throw new Error("the socket was started before");
    this.#handler = handler;
    for (const port of this.#ports) {
      const reply: Reply = (answer, to) => this.#reply(port, answer, to);
      port.listen({
        message: (datagram, from) => this.#receive(datagram, from, reply),
        error: (error) => {
          if (BEYOND_REPAIR.has(error.code) && this.#closed === undefined) handler.failed(error);
        },
      });
    }
  }

  readonly now = (): number => performance.now();

  addPath(remote: string): number {
    const to = this.#groups.remote(remote);
    this.#portFor(to);
    return this.#paths.add(to);
  }

  removePath(path: number): void {
    this.#paths.remove(path);
  }

  sendPlain(remote: string, datagram: Uint8Array): boolean {
    if (datagram.length > MOST_PACKET_BYTES)
      throw new RangeError(`${datagram.length} bytes are no datagram`);
    const to = this.#groups.remote(remote);
    // Interfaces go at any moment: nothing is reached by this one just now.
    if (to.group !== undefined && !this.#groups.isThere(to.group.interface)) return false;
    const port = this.#portFor(to);
    if (this.#isFull(port)) return false;
    port.send(datagram, to, this.#sent);
    return true;
  }

  join(group: string, source?: string): number {
    if (this.#closed !== undefined) throw new Mp2pError("MP2P_CLOSED", "the socket is closed");
    return this.#groups.join(group, source);
  }

  leave(membership: number): void {
    this.#groups.leave(membership);
  }

  groupDrops(): readonly GroupDrops[] {
    return this.#inbound.groupDrops();
  }

  installSend(slot: number, keys: PacketKeys): void {
    this.#outbound.install(slot, keys);
  }

  installReceive(slot: number, keys: PacketKeys, ofMany = false): void {
    this.#inbound.install(slot, keys, ofMany);
  }

  removeSend(slot: number): void {
    this.#outbound.remove(slot);
  }

  removeReceive(slot: number): void {
    this.#inbound.remove(slot);
  }

  sendSealed(slot: number, path: number, plan: SendPlan): SendResult {
    const remote = this.#paths.remote(path);
    const port = this.#portFor(remote);
    const result = this.#outbound.send(slot, { port, remote }, plan);
    this.#isFull(port);
    return result;
  }

  setFilter(filter: StrangerFilter): void {
    this.#inbound.sorter.setFilter(filter);
  }

  expect(cid: Uint8Array): void {
    requireCid(cid);
    this.#inbound.sorter.expect(cid);
  }

  unexpect(cid: Uint8Array): void {
    requireCid(cid);
    this.#inbound.sorter.unexpect(cid);
  }

  counters(): SocketCounters {
    return { ...this.#counters };
  }

  close(): Promise<void> {
    this.#closed ??= Promise.all(this.#allPorts().map((port) => port.close())).then(() => {});
    return this.#closed;
  }

  ref(): void {
    for (const port of this.#ports) port.ref();
    this.#groups.ref();
  }

  unref(): void {
    for (const port of this.#ports) port.unref();
    this.#groups.unref();
  }

  #allPorts(): readonly UdpPort[] {
    return [...this.#ports, ...this.#groups.ports];
  }

  #portFor(remote: Remote): UdpPort {
    if (remote.group !== undefined && this.#closed === undefined)
      return this.#groups.sender(remote);
    const port = this.#ports.find(({ family }) => family === remote.family);
    if (port === undefined) throw new RangeError(`no bound address reaches ${remote.text}`);
    return port;
  }

  /** Remembers that somebody was refused, or will be, so that `writable` follows. */
  #isFull(port: UdpPort): boolean {
    if (!port.isFull) return false;
    this.#refused = true;
    return true;
  }

  readonly #sent = (error: Error | null, bytes: number): void => {
    this.#counters.sendCalls++;
    if (error === null) {
      this.#counters.packetsSent++;
      this.#counters.bytesSent += bytes;
    }
    if (
      !this.#refused ||
      this.#closed !== undefined ||
      !this.#allPorts().every((port) => port.hasRoom)
    )
      return;
    this.#refused = false;
    this.#handler?.writable();
  };

  #receive(datagram: Uint8Array, from: RemoteInfo, reply: Reply, by?: Membership): void {
    if (this.#closed !== undefined || this.#handler === undefined) return;
    this.#inbound.take(datagram, from, performance.now(), reply, by);
    if (this.#isDeliveryDue || this.#inbound.batch.isEmpty) return;
    this.#isDeliveryDue = true;
    setImmediate(this.#deliver);
  }

  readonly #deliver = (): void => {
    this.#isDeliveryDue = false;
    const { batch } = this.#inbound;
    if (this.#closed === undefined) this.#handler?.receive(batch);
    batch.clear();
  };

  /** The way the question came: unicast may not reach whoever spoke to a group. */
  #replyToMember({ group, interface: name }: Membership): Reply {
    return (answer) => {
      const back = this.#groups.answerer(group, name);
      if (back === undefined || back.port.isFull) return false;
      back.port.send(answer, back.to, this.#sent);
      return true;
    };
  }

  #reply(port: UdpPort, answer: Uint8Array, to: RemoteInfo): boolean {
    if (port.isFull) return false;
    const family = to.family === "IPv4" ? 4 : 6;
    port.send(answer, { text: "", host: to.address, port: to.port, family }, this.#sent);
    return true;
  }
}

/** @throws {Mp2pError} where an address cannot be bound: then none of them stays bound */
export async function openFallbackSocket(
  options: SocketOptions,
  heap: SodiumHeap,
  primitives: Primitives,
): Promise<FallbackSocket> {
  const addresses = options.bind.map((text) => {
    const address = parseAddress(text);
    if (address === undefined)
      throw new RangeError(`not an IP address with a port: ${JSON.stringify(text)}`);
    return address;
  });
  if (addresses.length < 1 || addresses.length > MOST_BINDS) {
    throw new RangeError(`a socket has 1 to ${MOST_BINDS} addresses, not ${addresses.length}`);
  }
  const buffers = {
    receiveBytes: options.receiveBufferBytes ?? BUFFER_BYTES,
    sendBytes: options.sendBufferBytes ?? BUFFER_BYTES,
  };
  const { multicast } = options;
  const ports: UdpPort[] = [];
  try {
    for (const address of addresses) ports.push(await bindUdpPort(address, buffers));
  } catch (error) {
    await Promise.all(ports.map((port) => port.close()));
    throw error;
  }
  return new FallbackSocket(ports, { multicast, binds: addresses, buffers }, heap, primitives);
}

interface OpenedOptions {
  readonly multicast: MulticastOptions | undefined;
  readonly binds: readonly Address[];
  readonly buffers: BufferSizes;
}
