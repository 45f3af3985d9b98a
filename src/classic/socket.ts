/**
 * The socket of the classic profile: its own, never that of mp2p/1. Bound to the group, so that the
 * kernel keeps everything else out (Windows cannot, and binds to every address).
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { platform } from "node:os";
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import { Mp2pError } from "../base/errors.ts";
import type { ClassicInterface } from "./interfaces.ts";

/** Where the original listens; it sends to port 1024 only, and answers where it is told to. */
export const CLASSIC_PORT = { server: 1024, client: 1025 } as const;
/** As the original: so far that only the groups' scope ends it. */
const HOP_LIMIT = 255;

export interface ClassicSocketOptions {
  readonly interface: ClassicInterface;
  /** `"[ff1e::1]:1024"`: group and port to listen to. */
  readonly group: string;
  /** @param source - `"192.0.2.1:1025"` */
  readonly onDatagram: (datagram: Uint8Array, source: string) => void;
}

export class ClassicSocket {
  readonly #socket: Socket;
  #sendError: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** @throws {Mp2pError} `MP2P_NO_NETWORK`, `MP2P_PORT_IN_USE` or `MP2P_SOCKET` */
  static async open(options: ClassicSocketOptions): Promise<ClassicSocket> {
    const group = addressOf(options.group);
    const handle = options.interface.handle[group.family];
    if (handle === undefined) {
      const what = `${options.interface.name} has no IPv${group.family} address`;
      throw new Mp2pError("MP2P_NO_NETWORK", `${what}, which ${options.group} needs`, {
        hint: "take another interface, or a group of the other family",
      });
    }
    const isIpv6 = group.family === 6;
    const socket = isIpv6
      ? createSocket({ type: "udp6", ipv6Only: true, reuseAddr: true })
      : createSocket({ type: "udp4", reuseAddr: true });
    try {
      await bind(socket, group);
      join(socket, hostOf(group), handle);
    } catch (cause) {
      socket.close();
      throw socketError(options, cause);
    }
    socket.on("message", (datagram, from) => {
      const source = sourceOf(from);
      if (source !== undefined) options.onDatagram(datagram, source);
    });
    // An ICMP error about one datagram says nothing about the others.
    socket.on("error", () => undefined);
    return new ClassicSocket(socket);
  }

  /** Why the last send failed, where it did: multicast tells nothing else. */
  get sendError(): Error | undefined {
    return this.#sendError;
  }

  send(datagram: Uint8Array, to: string): void {
    const address = addressOf(to);
    this.#socket.send(datagram, address.port, hostOf(address), (error) => {
      this.#sendError = error ?? undefined;
    });
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}

async function bind(socket: Socket, group: Address): Promise<void> {
  const address = platform() === "win32" ? undefined : hostOf(group);
  const listening = once(socket, "listening");
  socket.bind({ port: group.port, ...(address !== undefined && { address }) });
  await listening;
}

function join(socket: Socket, group: string, handle: string): void {
  socket.addMembership(group, handle);
  socket.setMulticastInterface(handle);
  socket.setMulticastTTL(HOP_LIMIT);
  socket.setTTL(HOP_LIMIT);
  socket.setMulticastLoopback(true);
}

function socketError({ group, interface: { name } }: ClassicSocketOptions, cause: unknown): Error {
  const { code } = cause as NodeJS.ErrnoException;
  const isTaken = code === "EADDRINUSE";
  return new Mp2pError(
    isTaken ? "MP2P_PORT_IN_USE" : "MP2P_SOCKET",
    `cannot listen to ${group} on ${name}`,
    { cause, ...(isTaken && { hint: "another program has the port: give --port" }) },
  );
}

function sourceOf({ address, family, port }: RemoteInfo): string | undefined {
  const parsed = parseAddress(family === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`);
  return parsed && formatAddress(parsed);
}

/** @throws {RangeError} for text that is no address */
function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new RangeError(`no address: ${text}`);
  return address;
}

function hostOf(address: Address): string {
  const text = formatAddress({ ...address, port: 0 }).slice(0, -2);
  return address.family === 6 ? text.slice(1, -1) : text;
}
