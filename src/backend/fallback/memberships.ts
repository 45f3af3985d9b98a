import type { RemoteInfo } from "node:dgram";
import { parseAddress } from "../../base/address.ts";
import { Mp2pError } from "../../base/errors.ts";
import type { Interfaces } from "./interfaces.ts";
import { hostOf } from "./path-table.ts";

const MOST_MEMBERSHIPS = 1_024;
const MOST_NUMBER = 65_535;

export interface Membership {
  readonly number: number;
  /** `"239.255.1.2"`, `"ff12::8000:1"`. */
  readonly group: string;
  readonly interface: string;
  /** The one source, where it is for one only. */
  readonly source: string | undefined;
}

/**
 * Memberships of one socket, and by which of them a datagram came. `node:dgram` tells its source only,
 * and Linux gives every socket of a group what arrives on any interface, so the interface is that in
 * whose network the source is. Of a source behind a router it is the first one joined.
 */
export class Memberships {
  readonly #interfaces: Interfaces;
  readonly #all = new Map<number, Membership>();
  /** By group; those for one source first. */
  readonly #byGroup = new Map<string, readonly Membership[]>();
  #last = 0;
  #version = 0;

  constructor(interfaces: Interfaces) {
    this.#interfaces = interfaces;
  }

  find(group: string, interfaceName: string, source: string | undefined): Membership | undefined {
    return this.#byGroup
      .get(group)
      ?.find((one) => one.interface === interfaceName && one.source === source);
  }

  /** @throws {Mp2pError} `MP2P_LIMIT` */
  add(group: string, interfaceName: string, source: string | undefined): Membership {
    this.requireRoom();
    do this.#last = (this.#last % MOST_NUMBER) + 1;
    while (this.#all.has(this.#last));
    const membership = { number: this.#last, group, interface: interfaceName, source };
    this.#all.set(membership.number, membership);
    this.#setGroup(group, [...(this.#byGroup.get(group) ?? []), membership]);
    return membership;
  }

  requireRoom(): void {
    if (this.#all.size < MOST_MEMBERSHIPS) return;
    throw new Mp2pError("MP2P_LIMIT", `a socket holds at most ${MOST_MEMBERSHIPS} memberships`, {
      hint: "Leave groups that are no longer used.",
    });
  }

  /** @returns undefined for a number that no membership has */
  remove(number: number): Membership | undefined {
    const membership = this.#all.get(number);
    if (membership === undefined) return undefined;
    this.#all.delete(number);
    const { group } = membership;
    this.#setGroup(group, this.#byGroup.get(group)?.filter((one) => one !== membership) ?? []);
    return membership;
  }

  /** Changes when anything that `arrivedBy` goes by has changed. */
  version(nowMs: number): number {
    this.#interfaces.refresh(nowMs);
    return this.#version + this.#interfaces.version;
  }

  /**
   * @param source - as node:dgram reports it
   * @param interfaceName - where the receiving socket hears one interface only
   */
  arrivedBy(
    group: string,
    source: RemoteInfo,
    interfaceName: string | undefined,
  ): Membership | undefined {
    const from = parseAddress(
      source.family === "IPv4" ? `${source.address}:0` : `[${source.address}]:0`,
    );
    if (from === undefined) return undefined;
    const host = hostOf({ family: from.family, bytes: from.bytes, port: 0 });
    const names = interfaceName === undefined ? this.#interfaces.of(from) : [interfaceName];
    const joined = this.#byGroup.get(group) ?? [];
    return joined.find(
      (one) =>
        (one.source === undefined || one.source === host) &&
        (names.length === 0 || names.includes(one.interface)),
    );
  }

  /** The first that a group is joined by. */
  first(group: string): Membership | undefined {
    return this.#byGroup.get(group)?.[0];
  }

  #setGroup(group: string, memberships: readonly Membership[]): void {
    this.#version++;
    if (memberships.length === 0) this.#byGroup.delete(group);
    else this.#byGroup.set(group, [...memberships].sort(byHavingSource));
  }
}

function byHavingSource(left: Membership, right: Membership): number {
  return Number(left.source === undefined) - Number(right.source === undefined);
}
