/** Network interfaces for groups: which there are, which will do, and when they change. */
import { readFileSync } from "node:fs";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { formatAddress, parseAddress } from "../base/address.ts";
import type { Service } from "../multicast/hub.ts";
import {
  type InterfaceAddress,
  type NetworkInterface,
  stateOf,
} from "../multicast/network-interface.ts";

const POLL_MS = 5000;
/** A change is believed once it has stood this long: addresses come one after the other. */
const SETTLE_MS = 500;

/** linux/if.h */
const IFF_MULTICAST = 0x1000;

/** Interfaces of this machine that are up and have an address. */
export function systemInterfaces(): readonly NetworkInterface[] {
  const entries = new Map<string, NetworkInterfaceInfo[]>();
  for (const [name, some = []] of Object.entries(networkInterfaces())) {
    // Linux names an IPv4 address as it likes: "eth0:backup" is eth0.
    const [device = ""] = name.split(":");
    entries.set(device, [...(entries.get(device) ?? []), ...some]);
  }
  return Array.from(entries, ([name, some]) => ({
    name,
    isLoopback: some.some(({ internal }) => internal),
    addresses: some.flatMap(addressOf),
    lacksMulticast: ((readNumber(name, "flags") ?? IFF_MULTICAST) & IFF_MULTICAST) === 0,
    link: linkOf(name, some),
  }));
}

function addressOf({ family, address, cidr }: NetworkInterfaceInfo): InterfaceAddress[] {
  const parsed = parseAddress(family === "IPv4" ? `${address}:0` : `[${address}]:0`);
  if (parsed === undefined) return [];
  const prefixBits = Number(cidr?.split("/")[1] ?? 8 * parsed.bytes.length);
  return [{ family: parsed.family, bytes: parsed.bytes, host: hostOf(address), prefixBits }];
}

/**
 * The interface's number and address on the link, which another of its name has not. Linux counts how often its
 * cable was pulled too, so that one pulled between two looks is noticed: the switch has forgotten us then.
 */
function linkOf(name: string, entries: readonly NetworkInterfaceInfo[]): string {
  const zones = entries.map((each) => (each.family === "IPv6" ? each.scopeid : 0));
  const number = readNumber(name, "ifindex") ?? Math.max(...zones);
  return `${number} ${entries[0]?.mac} ${readNumber(name, "carrier_changes")}`;
}

function readNumber(name: string, counter: string): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return Number(readFileSync(`/sys/class/net/${name}/${counter}`, "latin1"));
  } catch {
    return undefined;
  }
}

/** `"192.0.2.1"` or `"fe80::1"` of an address with or without port, brackets and zone; other texts as they are. */
export function hostOf(text: string): string {
  const isBare = text.includes("[") ? text.endsWith("]") : text.split(":").length !== 2;
  const host = text.includes(":") && !text.startsWith("[") ? `[${text}]` : text;
  const parsed = parseAddress(isBare ? `${host}:0` : text);
  if (parsed === undefined) return text;
  const { scope: _, ...everywhere } = parsed;
  return formatAddress({ ...everywhere, port: 0 })
    .replace(/:0$/, "")
    .replace(/[[\]]/g, "");
}

/**
 * Interfaces that groups can be joined on by sockets bound so. Loopback serves where nothing else does, and one
 * that carries no multicast where it is asked for by name: its other end may do so all the same.
 *
 * @param bound - bound addresses; a family is left out where none of them belongs to it
 * @param chosen - names; undefined for all
 */
export function suitableInterfaces(
  all: readonly NetworkInterface[],
  bound: readonly string[],
  chosen: readonly string[] | undefined,
): readonly NetworkInterface[] {
  const binds = bound.flatMap((text) => parseAddress(text) ?? []);
  const isServed = (each: InterfaceAddress, others: readonly InterfaceAddress[]) =>
    binds.some(({ family, bytes }) => {
      if (family !== each.family) return false;
      const isWildcard = bytes.every((byte) => byte === 0);
      return isWildcard || others.some((other) => sameBytes(other.bytes, bytes));
    });
  const served = all
    .filter(({ name, isLoopback, lacksMulticast }) =>
      chosen === undefined ? isLoopback || !lacksMulticast : chosen.includes(name),
    )
    .map((one) => ({
      ...one,
      addresses: one.addresses.filter((each) => isServed(each, one.addresses)),
    }))
    .filter(({ addresses }) => addresses.length > 0)
    .sort((a, b) => Number(isRoutable(b)) - Number(isRoutable(a)));
  const outward = served.filter(({ isLoopback }) => !isLoopback);
  return outward.length > 0 && chosen === undefined ? outward : served;
}

/** Has an address that is not link-local: an end of a network, not a port of a bridge. */
function isRoutable({ addresses }: NetworkInterface): boolean {
  return addresses.some(({ family, bytes }) => family === 4 || bytes[0] !== 0xfe);
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

/** Looks at the interfaces from time to time, as no system tells Node when they change. */
export class InterfaceWatch implements Service {
  #current: readonly NetworkInterface[];
  /** What the last look saw of each. */
  #seen: ReadonlyMap<string, string>;
  #lookAt: number;
  readonly #list: () => readonly NetworkInterface[];
  readonly #changed: (interfaces: readonly NetworkInterface[], now: number) => void;

  constructor(
    list: () => readonly NetworkInterface[],
    now: number,
    changed: (interfaces: readonly NetworkInterface[], now: number) => void,
  ) {
    this.#list = list;
    this.#changed = changed;
    this.#current = list();
    this.#seen = statesOf(this.#current);
    this.#lookAt = now + POLL_MS;
  }

  get interfaces(): readonly NetworkInterface[] {
    return this.#current;
  }

  nextAt(): number {
    return this.#lookAt;
  }

  run(now: number): void {
    if (now < this.#lookAt) return;
    const found = this.#list();
    const before = this.#seen;
    const seen = statesOf(found);
    this.#seen = seen;
    const isSettled = (name: string) => seen.get(name) === before.get(name);
    const names = [...new Set([...seen.keys(), ...before.keys()])];
    this.#lookAt = now + (names.every(isSettled) ? POLL_MS : SETTLE_MS);
    // One that changes all the time keeps the state it had, and no other waiting.
    const settled = names.flatMap((name) => {
      const from = isSettled(name) ? found : this.#current;
      return from.find((each) => each.name === name) ?? [];
    });
    if (isSame(statesOf(settled), statesOf(this.#current))) return;
    this.#current = settled;
    this.#changed(settled, now);
  }
}

function statesOf(interfaces: readonly NetworkInterface[]): ReadonlyMap<string, string> {
  return new Map(
    interfaces.map((each) => [each.name, `${stateOf(each, 4)} ${stateOf(each, 6)}`] as const),
  );
}

function isSame(left: ReadonlyMap<string, string>, right: ReadonlyMap<string, string>): boolean {
  return left.size === right.size && [...left].every(([name, state]) => right.get(name) === state);
}
