import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { type Address, formatAddress } from "../../base/address.ts";
import { type ErrorCode, Mp2pError } from "../../base/errors.ts";
import { hostOf, type Remote } from "./path-table.ts";

/** Bytes left to libuv before a port calls itself full. */
const MOST_QUEUED_BYTES = 1_048_576;
const BUFFER_BYTES = 9_216;

/** Hears once what became of a datagram: later, also where it left at once. */
export type Sent = (error: NodeJS.ErrnoException | null, bytes: number) => void;

export interface PortHandler {
  message(datagram: Uint8Array, from: RemoteInfo): void;
  error(error: NodeJS.ErrnoException): void;
}

/**
 * One bound `node:dgram` socket. Node gives a datagram to the kernel within `send` itself and queues
 * it only where the kernel has no room. So one buffer serves all packets, and a buffer that was
 * queued is left to the queue.
 */
export class UdpPort {
  readonly family: 4 | 6;
  readonly address: string;
  readonly receiveBytes: number;
  readonly sendBytes: number;
  readonly #socket: Socket;
  readonly #lookup: SynchronousLookup;
  #view: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #queuedBytes = 0;
  #closed: Promise<void> | undefined;

  constructor(socket: Socket, lookup: SynchronousLookup, family: 4 | 6) {
    this.#socket = socket;
    this.#lookup = lookup;
    this.family = family;
    const { address, port } = socket.address();
    this.address = family === 4 ? `${address}:${port}` : `[${address}]:${port}`;
    this.receiveBytes = socket.getRecvBufferSize();
    this.sendBytes = socket.getSendBufferSize();
  }

  /** More than a mebibyte waits in libuv, or the port is closed. */
  get isFull(): boolean {
    if (this.#closed !== undefined) return true;
    return this.#queuedBytes >= MOST_QUEUED_BYTES && this.#queued() >= MOST_QUEUED_BYTES;
  }

  /** Less than half of what makes a port full waits: time to go on sending. */
  get hasRoom(): boolean {
    return this.#queued() < MOST_QUEUED_BYTES / 2;
  }

  /** @param packet - copied, at most 9,216 bytes */
  send(packet: Uint8Array, remote: Remote, sent: Sent): void {
    if (this.#closed !== undefined) return;
    if (this.#view.length !== packet.length) this.#view = this.#viewOf(packet.length);
    this.#view.set(packet);
    this.#lookup.done = false;
    this.#socket.send(this.#view, remote.port, remote.host, sent);
    const leftAtOnce = this.#queued() === 0 && this.#lookup.done;
    if (!leftAtOnce) this.#view = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  listen(handler: PortHandler): void {
    this.#socket.on("message", (datagram, from) => handler.message(datagram, from));
    this.#socket.on("error", (error: NodeJS.ErrnoException) => handler.error(error));
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => this.#socket.close(() => resolve()));
    return this.#closed;
  }

  /** @param handle - the interface, as `Interfaces.handle` gives it */
  join(group: string, handle: string, source: string | undefined): void {
    if (source === undefined) this.#socket.addMembership(group, handle);
    else this.#socket.addSourceSpecificMembership(source, group, handle);
  }

  leave(group: string, handle: string, source: string | undefined): void {
    if (source === undefined) this.#socket.dropMembership(group, handle);
    else this.#socket.dropSourceSpecificMembership(source, group, handle);
  }

  /** Groups are sent to by this interface, and heard on this machine too. */
  sendGroupsBy(handle: string, hopLimit: number): void {
    this.#socket.setMulticastInterface(handle);
    this.#socket.setMulticastTTL(hopLimit);
    this.#socket.setMulticastLoopback(true);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  #queued(): number {
    if (this.#closed === undefined) this.#queuedBytes = this.#socket.getSendQueueSize();
    return this.#queuedBytes;
  }

  #viewOf(length: number): Buffer {
    return Buffer.from(this.#view.buffer, 0, length);
  }
}

/**
 * Addresses are numbers here, so looking one up takes no turn of the event loop; `done` proves that
 * a runtime went through with the send before it returned.
 */
interface SynchronousLookup {
  done: boolean;
}

/** Asked of the kernel, in bytes. */
export interface BufferSizes {
  readonly receiveBytes: number;
  readonly sendBytes: number;
}

/** @throws {Mp2pError} `MP2P_PORT_IN_USE`, `MP2P_NO_NETWORK`, `MP2P_PERMISSION` or `MP2P_SOCKET` */
export async function bindUdpPort(address: Address, buffers: BufferSizes): Promise<UdpPort> {
  const opened = openSocket(address.family, false);
  try {
    await bound(opened.socket, address);
  } catch (error) {
    opened.socket.close();
    throw bindError(address, error as NodeJS.ErrnoException);
  }
  return portOf(opened, buffers);
}

/**
 * Binds before it returns, as a synchronous lookup lets Node do.
 *
 * @param host - as node:dgram wants it
 * @param isShared - with other programs that share the port too
 * @throws {NodeJS.ErrnoException} the kernel's refusal
 */
export function bindUdpPortNow(
  family: 4 | 6,
  host: string,
  port: number,
  isShared: boolean,
  buffers: BufferSizes,
): UdpPort {
  const opened = openSocket(family, isShared);
  let outcome: Error | "bound" = new Error("this runtime binds sockets later");
  opened.socket.once("error", (error) => {
    outcome = error;
  });
  opened.socket.once("listening", () => {
    outcome = "bound";
  });
  opened.socket.bind({ address: host, port, exclusive: true });
  if ((outcome as Error | "bound") === "bound") return portOf(opened, buffers);
  opened.socket.close();
  throw outcome;
}

interface OpenedSocket {
  readonly socket: Socket;
  readonly lookup: SynchronousLookup;
  readonly family: 4 | 6;
}

function openSocket(family: 4 | 6, reuseAddr: boolean): OpenedSocket {
  const lookup: SynchronousLookup = { done: false };
  const socket = createSocket({
    type: family === 4 ? "udp4" : "udp6",
    ipv6Only: family === 6,
    reuseAddr,
    lookup: (host, _options, answer) => {
      lookup.done = true;
      answer(null, host, family);
    },
  });
  return { socket, lookup, family };
}

function portOf({ socket, lookup, family }: OpenedSocket, buffers: BufferSizes): UdpPort {
  // A system may refuse the size asked for; what was granted is read back.
  attempt(() => socket.setRecvBufferSize(buffers.receiveBytes));
  attempt(() => socket.setSendBufferSize(buffers.sendBytes));
  // Refusals that come back by ICMP are no reason to fail: a path is judged by its answers.
  socket.on("error", () => {});
  return new UdpPort(socket, lookup, family);
}

function bound(socket: Socket, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("listening", () => {
      socket.off("error", reject);
      resolve();
    });
    socket.bind({ address: hostOf(address), port: address.port, exclusive: true });
  });
}

const REFUSALS: Readonly<Record<string, readonly [ErrorCode, hint: string]>> = {
  EADDRINUSE: ["MP2P_PORT_IN_USE", "Choose another port, or port 0 to let the system choose one."],
  EACCES: ["MP2P_PERMISSION", "Ports below 1024 need privileges: choose a higher one."],
  EADDRNOTAVAIL: ["MP2P_NO_NETWORK", "Bind to an address of this machine, or to 0.0.0.0 or [::]."],
  // The interface of a link-local address is missing.
  EINVAL: ["MP2P_NO_NETWORK", "Bind to an address of this machine, or to 0.0.0.0 or [::]."],
  EAFNOSUPPORT: ["MP2P_NO_NETWORK", "This machine lacks IPv6 or IPv4: bind to the other."],
};

function bindError(address: Address, cause: NodeJS.ErrnoException): Mp2pError {
  const [code, hint] = REFUSALS[cause.code ?? ""] ?? [
    "MP2P_SOCKET",
    "Check the limit of open files.",
  ];
  const message = `cannot bind ${formatAddress(address)}: ${cause.message}`;
  return new Mp2pError(code, message, { cause, hint });
}

function attempt(step: () => void): void {
  try {
    step();
  } catch {
    return;
  }
}
