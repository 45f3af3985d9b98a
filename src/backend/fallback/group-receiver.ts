import type { RemoteInfo } from "node:dgram";
import type { Interfaces } from "./interfaces.ts";
import type { Membership, Memberships } from "./memberships.ts";
import type { UdpPort } from "./udp-port.ts";

/** Sources whose membership is remembered; then it is looked up anew. */
const MOST_SOURCES = 256;
/** Linux lets an IPv4 socket hold 20 by default (net.ipv4.igmp_max_memberships). */
const MOST_MEMBERSHIPS = 20;

/** By a membership of its own, a copy of what another socket of ours hears, or not for us at all. */
export type Heard = Membership | "copy" | "stray";

/** Which group a receiving socket is for. */
export interface Reception {
  readonly group: string;
  /** Where the kernel lets in what comes by this interface only. */
  readonly interface: string | undefined;
  /** A membership for one source turns one for any into its like, so they have sockets of their own. */
  readonly source: string | undefined;
}

/** A socket that hears one group, with the memberships that the kernel holds for it. */
export class GroupReceiver {
  readonly port: UdpPort;
  readonly reception: Reception;
  readonly #memberships: Memberships;
  /** By number, the interface as the kernel was told of it: it may have another address by now. */
  readonly #handles = new Map<number, string>();
  readonly #heard = new Map<string, Heard>();
  #version = -1;

  constructor(port: UdpPort, reception: Reception, memberships: Memberships) {
    this.port = port;
    this.reception = reception;
    this.#memberships = memberships;
  }

  get isEmpty(): boolean {
    return this.#handles.size === 0;
  }

  get hasRoom(): boolean {
    return this.#handles.size < MOST_MEMBERSHIPS;
  }

  holds(number: number): boolean {
    return this.#handles.has(number);
  }

  isFor({ group, interface: name, source }: Reception): boolean {
    const own = this.reception;
    return own.group === group && own.interface === name && own.source === source;
  }

  /** Tells the kernel. @throws {NodeJS.ErrnoException} its refusal */
  joinBy(handle: string): void {
    const { group, source } = this.reception;
    try {
      this.port.join(group, handle, source);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      // Left over from before the interface was down: only leaving it makes the kernel report it anew.
      this.port.leave(group, handle, source);
      this.port.join(group, handle, source);
    }
  }

  /** What `joinBy` brought. */
  keep(number: number, handle: string): void {
    this.#handles.set(number, handle);
  }

  /** Memberships, with the interface of each as the kernel was told of it. */
  get handles(): ReadonlyMap<number, string> {
    return this.#handles;
  }

  /**
   * @returns false where the kernel can be told only by closing the socket: it would take an address that is gone
   * for any interface, and a name that is gone too
   */
  leave(number: number, interfaces: Pick<Interfaces, "isHandle">, name: string): boolean {
    const handle = this.#handles.get(number) as string;
    this.#handles.delete(number);
    if (!interfaces.isHandle(name, handle)) return false;
    try {
      this.port.leave(this.reception.group, handle, this.reception.source);
    } catch {
      // An interface that is gone took its memberships with it.
    }
    return true;
  }

  heard(from: RemoteInfo, nowMs: number): Heard {
    const version = this.#memberships.version(nowMs);
    if (version !== this.#version || this.#heard.size >= MOST_SOURCES) this.#heard.clear();
    this.#version = version;
    let heard = this.#heard.get(from.address);
    if (heard === undefined) {
      heard = this.#judge(from);
      this.#heard.set(from.address, heard);
    }
    return heard;
  }

  /** A stray that several sockets of the group hear is one of the first. */
  #judge(from: RemoteInfo): Heard {
    const { group, interface: name } = this.reception;
    const membership = this.#memberships.arrivedBy(group, from, name);
    if (membership !== undefined) return this.holds(membership.number) ? membership : "copy";
    const first = this.#memberships.first(group);
    return first === undefined || this.holds(first.number) ? "stray" : "copy";
  }
}
