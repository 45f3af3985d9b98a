/**
 * What the multicast rung asks of groups: to be in the peer's before the first INIT leaves, since its
 * answers come there, and to stay while a session may need them. docs/PROTOCOL.md, "Through a group".
 */
import type { Primitives } from "../backend/port.ts";
import { formatAddress, parseAddress } from "../base/address.ts";
import { ipv4Group, ownGroups, SCOPE, transientGroup } from "../multicast/group-address.ts";
import type { Kept } from "../multicast/membership.ts";
import { isGroup } from "../path/ladder.ts";

/** Groups of a peer that an attempt is in. */
export interface HeldGroups {
  /** One interface each, `"[ff12::8000:1%eth0]:6727"`, nearest scope first. */
  addresses(): readonly string[];
  leave(): void;
}

export interface RungGroups {
  /** Joins the groups that follow from a key, and others the peer is said to be in, on every suitable interface. */
  joinOf(key: Uint8Array, named?: readonly string[]): HeldGroups;
  /** Stays in the group of such an address. @returns a function that leaves it */
  stayIn(address: string): () => void;
  /** The group and interface of a membership, ROW.group; undefined where it was left meanwhile. */
  addressOf(membership: number): string | undefined;
}

/** The part of an endpoint's groups that this needs; `group-hub.ts` has it. */
export interface GroupMemberships {
  /** Joins where it can, now and as interfaces come. */
  keep(group: string): Pick<Kept, "interfaces" | "leave">;
  on(group: string, interfaceName: string): string;
  addressOf(membership: number): string | undefined;
}

/** INITs of one round: with many interfaces the wider scopes are left out. */
const MAX_ADDRESSES = 64;

export class GroupRung implements RungGroups {
  readonly #groups: GroupMemberships;
  readonly #primitives: Primitives;
  readonly #hopLimit: number;

  /** @param hopLimit - of packets to groups wider than the link; with 1 the local groups are all there is */
  constructor(groups: GroupMemberships, primitives: Primitives, hopLimit: number) {
    this.#groups = groups;
    this.#primitives = primitives;
    this.#hopLimit = hopLimit;
  }

  joinOf(key: Uint8Array, named: readonly string[] = []): HeldGroups {
    const groups = new Set([...this.#groupsOf(key), ...named]);
    const kept = [...groups].map((group) => ({ group, one: this.#groups.keep(group) }));
    return {
      addresses: () =>
        kept
          .flatMap(({ group, one }) => one.interfaces().map((name) => this.#groups.on(group, name)))
          .slice(0, MAX_ADDRESSES),
      leave: () => {
        for (const { one } of kept.splice(0)) one.leave();
      },
    };
  }

  stayIn(address: string): () => void {
    const parsed = parseAddress(address);
    if (parsed === undefined || !isGroup(address)) return () => undefined;
    const { scope: _, ...everywhere } = parsed;
    const kept = this.#groups.keep(formatAddress(everywhere));
    return () => kept.leave();
  }

  addressOf(membership: number): string | undefined {
    return this.#groups.addressOf(membership);
  }

  #groupsOf(key: Uint8Array): readonly string[] {
    const hash = (data: Uint8Array) => this.#primitives.sha512(data);
    if (this.#hopLimit > 1) return ownGroups(key, hash);
    return [transientGroup(key, SCOPE.link, hash), ipv4Group(key, hash)];
  }
}
