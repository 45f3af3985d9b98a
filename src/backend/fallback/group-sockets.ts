/**
 * Sockets for groups beside the bound ones: to receive, one a group, bound to it so that the kernel
 * keeps everything else out; to send, one an interface, whose answers are received like any other.
 */
import type { RemoteInfo } from "node:dgram";
import process from "node:process";
import { type Address, formatAddress, isMulticast, parseAddress } from "../../base/address.ts";
import type { MulticastOptions } from "../port.ts";
import { bindRefused, joinRefused, MORE_THAN_A_SOCKET_HOLDS } from "./group-errors.ts";
import { GroupReceiver, type Reception } from "./group-receiver.ts";
import { GroupRules } from "./group-rules.ts";
import { GroupSenders } from "./group-senders.ts";
import { Interfaces } from "./interfaces.ts";
import { type Membership, Memberships } from "./memberships.ts";
import { groupOf, hostOf, type Remote, remoteOf } from "./path-table.ts";
import { type BufferSizes, bindUdpPortNow, type UdpPort } from "./udp-port.ts";

/** Windows binds to no group, but hands each socket only what that socket joined. */
const BINDS_TO_GROUPS = process.platform !== "win32";

/** How old a look at the interfaces may be for the kernel to be told of one: many are told of at once. */
const MOST_AGE_MS = 100;

export interface GroupHandler {
  /** By a socket that sends to groups: unicast. */
  answer(port: UdpPort, datagram: Uint8Array, from: RemoteInfo): void;
  member(membership: Membership, datagram: Uint8Array, from: RemoteInfo): void;
  /** For a group or an interface that was not joined. */
  stray(datagram: Uint8Array): void;
}

export class GroupSockets {
  readonly #buffers: BufferSizes;
  readonly #handler: GroupHandler;
  readonly #now: () => number;
  readonly #interfaces = new Interfaces();
  readonly #memberships = new Memberships(this.#interfaces);
  readonly #rules: GroupRules;
  readonly #senders: GroupSenders;
  /** With a group and an interface each can be bound for. */
  readonly #receivers = new Map<GroupReceiver, Address>();
  #keepsAlive = true;

  constructor(
    options: MulticastOptions | undefined,
    binds: readonly Address[],
    buffers: BufferSizes,
    handler: GroupHandler,
    now: () => number,
  ) {
    this.#buffers = buffers;
    this.#handler = handler;
    this.#now = now;
    this.#rules = new GroupRules(this.#interfaces, options, binds, now);
    this.#senders = new GroupSenders(this.#rules, buffers, handler.answer);
  }

  get ports(): readonly UdpPort[] {
    return [...Array.from(this.#receivers.keys(), ({ port }) => port), ...this.#senders.ports];
  }

  /** @throws as `DatagramSocket.join` */
  join(text: string, sourceText: string | undefined): number {
    const address = parseAddress(text);
    if (address === undefined || !isMulticast(address)) throw new RangeError(`no group: ${text}`);
    const { interface: name, isLinkScope } = groupOf(address);
    const source = sourceText === undefined ? undefined : sourceOf(sourceText, address);
    this.#interfaces.refresh(this.#now(), MOST_AGE_MS);
    const { port } = this.#rules.require(address, name);
    if (address.port !== port) throw new RangeError(`groups are received on port ${port}`);
    const group = hostOf({ family: address.family, bytes: address.bytes, port });
    const known = this.#memberships.find(group, name, source);
    if (known !== undefined) return known.number;
    this.#memberships.requireRoom();
    const handle = this.#rules.handle(address, name);
    const hearsOne = !BINDS_TO_GROUPS || isLinkScope;
    const reception = { group, interface: hearsOne ? name : undefined, source };
    const receiver = this.#joined(reception, address, handle);
    const { number } = this.#memberships.add(group, name, source);
    receiver.keep(number, handle);
    return number;
  }

  leave(number: number): void {
    const membership = this.#memberships.remove(number);
    if (membership === undefined) return;
    this.#interfaces.refresh(this.#now(), MOST_AGE_MS);
    for (const [receiver, address] of this.#receivers) {
      if (!receiver.holds(number)) continue;
      const isLeft = receiver.leave(number, this.#interfaces, membership.interface);
      if (isLeft && !receiver.isEmpty) continue;
      if (!receiver.isEmpty) this.#replace(receiver, address);
      this.#receivers.delete(receiver);
      void receiver.port.close();
    }
  }

  /** @throws {RangeError} for anything but an IP address with a port, and a group without an interface */
  remote(text: string): Remote {
    return remoteOf(text, (name) => {
      this.#interfaces.refresh(this.#now());
      return this.#interfaces.zone(name);
    });
  }

  /** Whether the interface is up and has an address. */
  isThere(interfaceName: string): boolean {
    this.#interfaces.refresh(this.#now());
    return this.#interfaces.names.includes(interfaceName);
  }

  /** The socket that sends to a group. @throws {Mp2pError} `MP2P_NO_MULTICAST` or `MP2P_LIMIT` */
  sender({ text }: Remote): UdpPort {
    const port = this.#senders.port(parseAddress(text) as Address);
    if (!this.#keepsAlive) port.unref();
    return port;
  }

  /** Where an answer to what came by a group goes, back to it by that interface, and the socket it leaves by. */
  answerer(
    group: string,
    name: string,
  ): { readonly port: UdpPort; readonly to: Remote } | undefined {
    const host = group.includes(":") ? `[${group}%${name}]` : `${group}%${name}`;
    try {
      const { port } = this.#rules.require(parseAddress(`${host}:0`) as Address, name);
      const to = this.remote(`${host}:${port}`);
      return { port: this.sender(to), to };
    } catch {
      return undefined;
    }
  }

  ref(): void {
    this.#keepsAlive = true;
    for (const port of this.ports) port.ref();
  }

  unref(): void {
    this.#keepsAlive = false;
    for (const port of this.ports) port.unref();
  }

  /** A receiver of the group that the kernel lets join: one with room, or a new one. */
  #joined(reception: Reception, address: Address, handle: string): GroupReceiver {
    for (const receiver of this.#receivers.keys()) {
      if (!receiver.isFor(reception) || !receiver.hasRoom) continue;
      try {
        receiver.joinBy(handle);
        return receiver;
      } catch (error) {
        const { code = "" } = error as NodeJS.ErrnoException;
        if (!MORE_THAN_A_SOCKET_HOLDS.has(code)) throw joinRefused(address, error);
      }
    }
    const receiver = new GroupReceiver(this.#bound(address), reception, this.#memberships);
    try {
      receiver.joinBy(handle);
    } catch (error) {
      void receiver.port.close();
      throw joinRefused(address, error);
    }
    this.#listen(receiver, address);
    return receiver;
  }

  /** Another socket for all that the first still holds, as that is to be closed. */
  #replace({ reception, handles }: GroupReceiver, address: Address): void {
    const receiver = new GroupReceiver(this.#bound(address), reception, this.#memberships);
    for (const [number, handle] of handles) {
      receiver.keep(number, handle);
      try {
        receiver.joinBy(handle);
      } catch {
        // Of an interface that is about to be left too.
      }
    }
    this.#listen(receiver, address);
  }

  #bound(address: Address): UdpPort {
    const { family, port } = address;
    const any = family === 4 ? "0.0.0.0" : "::";
    const { host } = this.remote(formatAddress(address));
    try {
      return bindUdpPortNow(family, BINDS_TO_GROUPS ? host : any, port, true, this.#buffers);
    } catch (error) {
      throw bindRefused(address, error);
    }
  }

  #listen(receiver: GroupReceiver, address: Address): void {
    this.#receivers.set(receiver, address);
    if (!this.#keepsAlive) receiver.port.unref();
    receiver.port.listen({
      message: (datagram, from) => {
        const heard = receiver.heard(from, this.#now());
        if (heard === "stray") this.#handler.stray(datagram);
        else if (heard !== "copy") this.#handler.member(heard, datagram, from);
      },
      error: () => {},
    });
  }
}

/** @throws {RangeError} for anything but a unicast address of the group's family */
function sourceOf(text: string, group: Address): string {
  const [bare = ""] = text.split("%");
  const source = parseAddress(bare.includes(":") ? `[${bare}]:0` : `${bare}:0`);
  const isFit =
    source !== undefined &&
    source.family === group.family &&
    !isMulticast(source) &&
    source.bytes.some((byte) => byte !== 0);
  if (!isFit) throw new RangeError(`no source for this group: ${text}`);
  return hostOf(source);
}
