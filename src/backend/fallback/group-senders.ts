import type { RemoteInfo } from "node:dgram";
import type { Address } from "../../base/address.ts";
import { bindRefused, joinRefused } from "./group-errors.ts";
import type { GroupRules } from "./group-rules.ts";
import { groupOf, hostOf } from "./path-table.ts";
import { type BufferSizes, bindUdpPortNow, type UdpPort } from "./udp-port.ts";

const LINK_HOP_LIMIT = 255;

interface Sender {
  readonly port: UdpPort;
  /** Of the look at the interfaces by which it was told to send. */
  version: number;
}

/**
 * The sockets that send to groups: by which interface and how far is said of a socket, not of a
 * datagram, so each interface, family and hop limit has one, opened when first used.
 */
export class GroupSenders {
  readonly #rules: GroupRules;
  readonly #buffers: BufferSizes;
  readonly #answer: (port: UdpPort, datagram: Uint8Array, from: RemoteInfo) => void;
  readonly #senders = new Map<string, Sender>();

  /** @param answer - hears what is sent back to such a socket */
  constructor(
    rules: GroupRules,
    buffers: BufferSizes,
    answer: (port: UdpPort, datagram: Uint8Array, from: RemoteInfo) => void,
  ) {
    this.#rules = rules;
    this.#buffers = buffers;
    this.#answer = answer;
  }

  get ports(): readonly UdpPort[] {
    return Array.from(this.#senders.values(), ({ port }) => port);
  }

  /**
   * Of an interface that went away the socket remains: what it sends is lost until the interface is back.
   *
   * @throws {Mp2pError} `MP2P_NO_MULTICAST` or `MP2P_LIMIT` where there never was one
   */
  port(group: Address): UdpPort {
    const { interface: name, isLinkScope } = groupOf(group);
    const hopLimit = isLinkScope ? LINK_HOP_LIMIT : this.#rules.hopLimit;
    const key = `${group.family} ${hopLimit} ${name}`;
    const known = this.#senders.get(key);
    if (known !== undefined) {
      this.#turn(known, group.family, name, hopLimit);
      return known.port;
    }
    this.#rules.require(group, name);
    const opened = this.#open(group, name, hopLimit);
    this.#senders.set(key, opened);
    return opened.port;
  }

  #open(group: Address, name: string, hopLimit: number): Sender {
    const handle = this.#rules.handle(group, name);
    const port = this.#bound(group, name);
    try {
      port.sendGroupsBy(handle, hopLimit);
    } catch (error) {
      void port.close();
      throw joinRefused(group, error);
    }
    port.listen({
      message: (datagram, from) => this.#answer(port, datagram, from),
      error: () => {},
    });
    return { port, version: this.#rules.interfaces.version };
  }

  #bound(group: Address, name: string): UdpPort {
    const host = hostOf(this.#rules.origin(group, name));
    try {
      return bindUdpPortNow(group.family, host, 0, false, this.#buffers);
    } catch (error) {
      throw bindRefused(group, error);
    }
  }

  /** The interface may have another address now, or be another of its name: the kernel knows it by number. */
  #turn(sender: Sender, family: 4 | 6, name: string, hopLimit: number): void {
    const { interfaces } = this.#rules;
    interfaces.refresh(this.#rules.now());
    if (sender.version === interfaces.version) return;
    const handle = interfaces.handle(name, family);
    if (handle === undefined) return;
    try {
      sender.port.sendGroupsBy(handle, hopLimit);
      sender.version = interfaces.version;
    } catch {
      // Refused just now: packets are lost until it settles.
    }
  }
}
