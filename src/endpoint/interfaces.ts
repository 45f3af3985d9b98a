/** Network interfaces for groups: which there are, which will do, and when they change. */
import { networkInterfaces } from "node:os";
import { formatAddress, parseAddress } from "../base/address.ts";
import type { Service } from "../multicast/hub.ts";
import type { InterfaceAddress, NetworkInterface } from "../multicast/network-interface.ts";

const POLL_MS = 5000;
/** A change is believed once it has stood this long: addresses come one after the other. */
const SETTLE_MS = 500;

/** Interfaces of this machine that are up and have an address. */
export function systemInterfaces(): readonly NetworkInterface[] {
  return Object.entries(networkInterfaces()).map(([name, entries = []]) => ({
    name,
    isLoopback: entries.some(({ internal }) => internal),
    addresses: entries.flatMap(({ family, address, cidr }) => {
      const parsed = parseAddress(family === "IPv4" ? `${address}:0` : `[${address}]:0`);
      if (parsed === undefined) return [];
      const prefixBits = Number(cidr?.split("/")[1] ?? 8 * parsed.bytes.length);
      return [{ family: parsed.family, bytes: parsed.bytes, host: hostOf(address), prefixBits }];
    }),
  }));
}

/** `"192.0.2.1"` or `"fe80::1"` of an address with or without port, brackets and zone. */
export function hostOf(text: string): string {
  const host = text.startsWith("[") ? text.slice(1, text.indexOf("]")) : text;
  const parsed = parseAddress(host.includes(":") ? `[${host}]:0` : `${host}:0`);
  if (parsed === undefined) return text;
  const { scope: _, ...everywhere } = parsed;
  return formatAddress(everywhere).replace(/:0$/, "").replace(/[[\]]/g, "");
}

/**
 * Interfaces that groups can be joined on by sockets bound so. Loopback serves where nothing else does.
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
    .filter(({ name }) => chosen === undefined || chosen.includes(name))
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
  #seen: string;
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
    this.#seen = nameOf(this.#current);
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
    const seen = nameOf(found);
    const isSettled = seen === this.#seen;
    this.#seen = seen;
    this.#lookAt = now + (isSettled ? POLL_MS : SETTLE_MS);
    if (!isSettled || seen === nameOf(this.#current)) return;
    this.#current = found;
    this.#changed(found, now);
  }
}

function nameOf(interfaces: readonly NetworkInterface[]): string {
  const names = interfaces.map(({ name, addresses }) => {
    const hosts = addresses.map(({ host, prefixBits }) => `${host}/${prefixBits}`);
    return `${name} ${hosts.sort().join(" ")}`;
  });
  return names.sort().join("\n");
}
