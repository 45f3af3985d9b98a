/** The network interfaces as `node:dgram` has to be told of them, and whose network an address is in. */
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import process from "node:process";
import { type Address, parseAddress } from "../../base/address.ts";

/** How old a look at the interfaces may be: they are asked while packets arrive. */
const LOOK_LIFE_MS = 5_000;

type Family = 4 | 6;

interface Network {
  readonly interface: string;
  readonly family: Family;
  readonly bytes: Uint8Array;
  readonly bits: number;
}

export class Interfaces {
  /** Counts up whenever an interface or an address came or went. */
  version = 0;
  #all: NodeJS.Dict<NetworkInterfaceInfo[]> = {};
  #networks: readonly Network[] = [];
  #seen = "";
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  readonly #look: typeof networkInterfaces;

  constructor(look: typeof networkInterfaces = networkInterfaces) {
    this.#look = look;
  }

  /** Looks anew where the last look is too old. */
  refresh(nowMs: number, mostAgeMs: number = LOOK_LIFE_MS): void {
    if (nowMs - this.#lookedAtMs < mostAgeMs) return;
    this.#lookedAtMs = nowMs;
    const all = this.#look();
    const seen = JSON.stringify(all);
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#all = all;
    this.#networks = networksOf(all);
    this.version++;
  }

  get names(): readonly string[] {
    return Object.keys(this.#all);
  }

  isLoopback(name: string): boolean {
    return this.#all[name]?.some(({ internal }) => internal) === true;
  }

  /**
   * What stands for the interface in `addMembership` and `setMulticastInterface`: an IPv4 address of
   * it, `::%eth0`.
   *
   * @returns undefined where the interface is missing, is down or has no IPv4 address
   */
  handle(name: string, family: Family): string | undefined {
    const addresses = this.#all[name];
    if (addresses === undefined) return undefined;
    if (family === 4) return addresses.find((one) => one.family === "IPv4")?.address;
    return `::%${zoneIn(addresses, name)}`;
  }

  /** Whether the handle still stands for the interface. */
  isHandle(name: string, handle: string): boolean {
    const addresses = this.#all[name] ?? [];
    return addresses.some(({ address }) => address === handle || handle.startsWith("::%"));
  }

  /** What stands behind `%` in the address of a group. */
  zone(name: string): string {
    return zoneIn(this.#all[name] ?? [], name);
  }

  /** Interfaces by which a datagram of this source may have come: none where it came by a router. */
  of({ family, bytes, scope }: Address): readonly string[] {
    if (scope !== undefined) return this.names.filter((name) => this.zone(name) === scope);
    const own = this.#networks.filter(
      (network) => network.family === family && isIn(bytes, network),
    );
    return own.map((network) => network.interface);
  }
}

/** Windows knows zones by number only. */
function zoneIn(addresses: readonly NetworkInterfaceInfo[], name: string): string {
  if (process.platform !== "win32") return name;
  const numbers = addresses.map((one) => (one.family === "IPv6" ? one.scopeid : 0));
  return String(numbers.find((number) => number > 0) ?? name);
}

function networksOf(all: NodeJS.Dict<NetworkInterfaceInfo[]>): readonly Network[] {
  return Object.entries(all).flatMap(([name, addresses = []]) =>
    addresses.flatMap(({ cidr }) => {
      const [host = "", bits = ""] = (cidr ?? "").split("/");
      const address = parseAddress(host.includes(":") ? `[${host}]:0` : `${host}:0`);
      if (address === undefined) return [];
      const { family, bytes } = address;
      return { interface: name, family, bytes, bits: Number(bits) };
    }),
  );
}

function isIn(bytes: Uint8Array, network: Network): boolean {
  for (let at = 0; at * 8 < network.bits; at++) {
    const mask = 0xff & (0xff << Math.max(0, 8 * (at + 1) - network.bits));
    if ((((bytes[at] as number) ^ (network.bytes[at] as number)) & mask) !== 0) return false;
  }
  return true;
}
