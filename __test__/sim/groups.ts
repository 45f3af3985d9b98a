/** The groups of a node: joined on its interfaces as often as they are asked for. */
import { formatAddress, parseAddress } from "../../src/base/address.ts";
import type { GroupMemberships } from "../../src/endpoint/rung-groups.ts";
import type { MemorySocket } from "./internet.ts";

interface Entry {
  readonly memberships: readonly number[];
  holders: number;
}

export class SimGroups implements GroupMemberships {
  readonly #socket: MemorySocket;
  readonly #joined = new Map<string, Entry>();
  readonly #addresses = new Map<number, string>();

  constructor(socket: MemorySocket) {
    this.#socket = socket;
  }

  /** Groups that are joined now. */
  get groups(): string[] {
    return [...this.#joined.keys()];
  }

  keep(group: string): { interfaces(): readonly string[]; leave(): void } {
    const interfaces = this.#socket.ports.map(({ interfaceName }) => interfaceName);
    const entry = this.#joined.get(group) ?? {
      memberships: interfaces.map((name) => this.#join(this.on(group, name))),
      holders: 0,
    };
    entry.holders++;
    this.#joined.set(group, entry);
    const leave = () => {
      if (--entry.holders > 0) return;
      this.#joined.delete(group);
      for (const membership of entry.memberships) {
        this.#socket.leave(membership);
        this.#addresses.delete(membership);
      }
    };
    return { interfaces: () => interfaces, leave };
  }

  on(group: string, scope: string): string {
    const address = parseAddress(group);
    if (address === undefined) throw new Error(`${group} is no group`);
    return formatAddress({ ...address, scope });
  }

  addressOf(membership: number): string | undefined {
    return this.#addresses.get(membership);
  }

  #join(address: string): number {
    const membership = this.#socket.join(address);
    this.#addresses.set(membership, address);
    return membership;
  }
}
