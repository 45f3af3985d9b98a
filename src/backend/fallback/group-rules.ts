import { type Address, formatAddress } from "../../base/address.ts";
import type { MulticastOptions } from "../port.ts";
import { noMulticast } from "./group-errors.ts";
import type { Interfaces } from "./interfaces.ts";

/** Interfaces that a hint lists. */
const MOST_NAMED = 8;

/** What a socket may do with groups, by its options, its bound addresses and the interfaces there are. */
export class GroupRules {
  readonly interfaces: Interfaces;
  readonly now: () => number;
  readonly #options: MulticastOptions | undefined;
  readonly #binds: readonly Address[];

  constructor(
    interfaces: Interfaces,
    options: MulticastOptions | undefined,
    binds: readonly Address[],
    now: () => number,
  ) {
    this.interfaces = interfaces;
    this.#options = options;
    this.#binds = binds;
    this.now = now;
  }

  /** Of datagrams to groups wider than the link; 0 where there are no groups. */
  get hopLimit(): number {
    return this.#options?.hopLimit ?? 0;
  }

  /** @throws {Mp2pError} `MP2P_NO_MULTICAST` where a group is out of this socket's reach */
  require(address: Address, interfaceName: string): MulticastOptions {
    const text = formatAddress(address);
    if (this.#options === undefined)
      throw noMulticast(`${text}: the socket was opened without multicast`);
    const binds = this.#binds.filter(({ family }) => family === address.family);
    if (binds.length === 0) throw noMulticast(`${text}: no bound address is of its family`);
    this.#requireInterface(interfaceName);
    if (!this.interfaces.isLoopback(interfaceName) && binds.every(isLoopback))
      throw noMulticast(`${text}: an address of loopback reaches groups on that interface only`);
    return this.#options;
  }

  /**
   * How node:dgram has to name the interface.
   *
   * @throws {Mp2pError} `MP2P_NO_MULTICAST` where it cannot be named
   */
  handle({ family }: Address, name: string): string {
    const { interfaces } = this;
    if (interfaces.handle(name, family) === undefined) interfaces.refresh(this.now(), 0);
    const handle = interfaces.handle(name, family);
    if (handle !== undefined) return handle;
    const hint = `Give ${name} an address, or use groups of the other family.`;
    throw noMulticast(`${name} has no IPv${family} address`, hint);
  }

  /** It may have come since the last look. */
  #requireInterface(name: string): void {
    const { interfaces } = this;
    interfaces.refresh(this.now());
    if (!interfaces.names.includes(name)) interfaces.refresh(this.now(), 0);
    if (interfaces.names.includes(name)) return;
    const some = interfaces.names.slice(0, MOST_NAMED).join(", ");
    const hint = `Interfaces here: ${some || "none"}${interfaces.names.length > MOST_NAMED ? ", …" : "."}`;
    throw noMulticast(`there is no interface ${name} that is up and has an address`, hint);
  }

  /** The bound address of the family that reaches the interface: groups are sent to from its host. */
  origin({ family }: Address, interfaceName: string): Address {
    const binds = this.#binds.filter((bind) => bind.family === family);
    const wanted = this.interfaces.isLoopback(interfaceName);
    return binds.find((bind) => isLoopback(bind) === wanted) ?? (binds[0] as Address);
  }
}

function isLoopback({ family, bytes }: Address): boolean {
  if (family === 4) return bytes[0] === 127;
  return bytes[15] === 1 && bytes.subarray(0, 15).every((byte) => byte === 0);
}
