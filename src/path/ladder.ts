/**
 * The ladder of paths: the groups of the peer's key and the addresses it is said to have, tried all at
 * once. docs/ARCHITECTURE.md, "Paths", says where further rungs go.
 */
import { isMulticast, parseAddress, type Reach, reachOf } from "../base/address.ts";

export type Rung = Reach | "multicast";

export interface Candidate {
  readonly address: string;
  readonly reach: Reach;
}

/** WIRE item 16: what a ticket may carry and a dial tries. */
export const MAX_CANDIDATES = 32;

const ORDER: Readonly<Record<Reach, number>> = { loopback: 0, lan: 1, direct: 2 };

/** Usable unicast addresses, nearest first, each once; unusable ones are left out. */
export function candidatesOf(addresses: Iterable<string>): Candidate[] {
  const candidates = new Map<string, Candidate>();
  for (const text of addresses) {
    const address = parseAddress(text);
    const reach = address && address.port > 0 ? reachOf(address) : undefined;
    if (reach !== undefined) candidates.set(text, { address: text, reach });
  }
  const ordered = [...candidates.values()].sort((a, b) => ORDER[a.reach] - ORDER[b.reach]);
  return ordered.slice(0, MAX_CANDIDATES);
}

export function isLoopback(address: string): boolean {
  return rungOf(address) === "loopback";
}

export function isIpv6(address: string): boolean {
  return address.startsWith("[");
}

/** What every group's address begins with, and few others: most are told apart without reading them. */
const GROUP_LIKE = /^(?:\[ff|2[23])/i;

export function isGroup(address: string): boolean {
  if (!GROUP_LIKE.test(address)) return false;
  const parsed = parseAddress(address);
  return parsed !== undefined && isMulticast(parsed);
}

/** The interface in an address; "" where it names none. */
export function scopeOf(address: string): string {
  return parseAddress(address)?.scope ?? "";
}

/** Which rung a working address stands on. */
export function rungOf(address: string): Rung {
  const parsed = parseAddress(address);
  if (parsed === undefined) return "direct";
  return isMulticast(parsed) ? "multicast" : (reachOf(parsed) ?? "direct");
}
