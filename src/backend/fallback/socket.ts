import type { RemoteInfo } from "node:dgram";
import { performance } from "node:perf_hooks";
import { parseAddress } from "../../base/address.ts";
import { Mp2pError } from "../../base/errors.ts";
import type { GroupDrops, SocketCounters } from "../counters.ts";
import type {
  DatagramSocket,
  PacketKeys,
  Primitives,
  SendPlan,
  SendResult,
  SocketHandler,
  SocketOptions,
  StrangerFilter,
} from "../port.ts";
import { requireCid } from "./cid-table.ts";
import { Inbound, type Reply } from "./inbound.ts";
import { Outbound } from "./outbound.ts";
import { MOST_PACKET_BYTES } from "./packet-opener.ts";
import { PathTable, type Remote, remoteOf } from "./path-table.ts";
import type { SodiumHeap } from "./sodium-heap.ts";
import { bindUdpPort, type UdpPort } from "./udp-port.ts";

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
  #handler: SocketHandler | undefined;
  #isDeliveryDue = false;
  #refused = false;
  #closed: Promise<void> | undefined;

  constructor(ports: readonly UdpPort[], heap: SodiumHeap, primitives: Primitives) {
    this.#ports = ports;
    this.addresses = ports.map((port) => port.address);
    this.buffers = {
      receiveBytes: Math.min(...ports.map((port) => port.receiveBytes)),
      sendBytes: Math.min(...ports.map((port) => port.sendBytes)),
    };
    this.#inbound = new Inbound(heap, primitives, this.#paths, this.#counters);
    this.#outbound = new Outbound(heap, this.#sent);
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

  now(): number {
    return performance.now();
  }

  addPath(remote: string): number {
    const to = remoteOf(remote);
    this.#portFor(to);
    return this.#paths.add(to);
  }

  removePath(path: number): void {
    this.#paths.remove(path);
  }

  sendPlain(remote: string, datagram: Uint8Array): boolean {
    if (datagram.length > MOST_PACKET_BYTES)
      throw new RangeError(`${datagram.length} bytes are no datagram`);
    const to = remoteOf(remote);
    const port = this.#portFor(to);
    if (this.#isFull(port)) return false;
    port.send(datagram, to, this.#sent);
    return true;
  }

  join(group: string): number {
    throw new Mp2pError("MP2P_NO_MULTICAST", `cannot join ${group}: no groups here`);
  }

  leave(): void {}

  groupDrops(): readonly GroupDrops[] {
    return [];
  }

  installSend(slot: number, keys: PacketKeys): void {
    this.#outbound.install(slot, keys);
  }

  installReceive(slot: number, keys: PacketKeys): void {
    this.#inbound.install(slot, keys);
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
    this.#closed ??= Promise.all(this.#ports.map((port) => port.close())).then(() => {});
    return this.#closed;
  }

  ref(): void {
    for (const port of this.#ports) port.ref();
  }

  unref(): void {
    for (const port of this.#ports) port.unref();
  }

  #portFor(remote: Remote): UdpPort {
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
    if (!this.#refused || this.#closed !== undefined || !this.#ports.every((port) => port.hasRoom))
      return;
    this.#refused = false;
    this.#handler?.writable();
  };

  #receive(datagram: Uint8Array, from: RemoteInfo, reply: Reply): void {
    if (this.#closed !== undefined) return;
    this.#inbound.take(datagram, from, performance.now(), reply, 0);
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
  const { receiveBufferBytes = BUFFER_BYTES, sendBufferBytes = BUFFER_BYTES } = options;
  const ports: UdpPort[] = [];
  try {
    for (const address of addresses)
      ports.push(await bindUdpPort(address, receiveBufferBytes, sendBufferBytes));
  } catch (error) {
    await Promise.all(ports.map((port) => port.close()));
    throw error;
  }
  return new FallbackSocket(ports, heap, primitives);
}

function noCounts(): SocketCounters {
  return {
    packetsSent: 0,
    bytesSent: 0,
    packetsReceived: 0,
    bytesReceived: 0,
    droppedMalformed: 0,
    droppedUnknown: 0,
    droppedForged: 0,
    droppedReplayed: 0,
    droppedStrangers: 0,
    droppedLimited: 0,
    droppedQueue: 0,
    cookiesSent: 0,
    droppedGroup: 0,
    droppedKernel: 0,
    sendCalls: 0,
    receiveCalls: 0,
  };
}
