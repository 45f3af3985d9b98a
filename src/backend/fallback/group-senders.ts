import type { RemoteInfo } from "node:dgram";
import type { Address } from "../../base/address.ts";
import { bindRefused, joinRefused } from "./group-errors.ts";
import type { GroupRules } from "./group-rules.ts";
import { groupOf, hostOf } from "./path-table.ts";
import { type BufferSizes, bindUdpPortNow, type UdpPort } from "./udp-port.ts";

const LINK_HOP_LIMIT = 255;

interface Sender {
  readonly port: UdpPort;
  handle: string;
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

  /** @throws {Mp2pError} `MP2P_NO_MULTICAST` or `MP2P_LIMIT` */
  port(group: Address): UdpPort {
    const { interface: name, isLinkScope } = groupOf(group);
    const options = this.#rules.require(group, name);
    const hopLimit = isLinkScope ? LINK_HOP_LIMIT : options.hopLimit;
    const key = `${group.family} ${hopLimit} ${name}`;
    const known = this.#senders.get(key);
    if (known === undefined) {
      const opened = this.#open(group, name, hopLimit);
      this.#senders.set(key, opened);
      return opened.port;
    }
    const handle = this.#rules.interfaces.handle(name, group.family);
    if (handle !== undefined && handle !== known.handle) turn(known, handle, hopLimit);
    return known.port;
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
    return { port, handle };
  }

  #bound(group: Address, name: string): UdpPort {
    const host = hostOf(this.#rules.origin(group, name));
    try {
      return bindUdpPortNow(group.family, host, 0, false, this.#buffers);
    } catch (error) {
      throw bindRefused(group, error);
    }
  }
}

/** The interface has another address now. Where that is refused, packets are lost until it settles. */
function turn(sender: Sender, handle: string, hopLimit: number): void {
  try {
    sender.port.sendGroupsBy(handle, hopLimit);
    sender.handle = handle;
  } catch {
    return;
  }
}
