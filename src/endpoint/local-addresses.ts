/** Addresses under which this machine's sockets can be reached, as far as it knows them itself. */
import { networkInterfaces } from "node:os";
import { formatAddress, parseAddress } from "../base/address.ts";
import { candidatesOf, isLoopback } from "../path/ladder.ts";

/**
 * @param bound - bound addresses; a wildcard stands for every address of its family
 * @returns what a ticket can name: without loopback, unless a socket is bound to nothing else
 */
export function reachableAddresses(bound: readonly string[]): string[] {
  const all = bound.flatMap((text) => (isWildcard(text) ? expand(text) : [text]));
  const usable = candidatesOf(all).map(({ address }) => address);
  const elsewhere = usable.filter((address) => !isLoopback(address));
  return elsewhere.length > 0 ? elsewhere : usable;
}

function isWildcard(text: string): boolean {
  return parseAddress(text)?.bytes.every((byte) => byte === 0) === true;
}

function expand(wildcard: string): string[] {
  const address = parseAddress(wildcard);
  if (address === undefined) return [];
  const expanded: string[] = [];
  for (const list of Object.values(networkInterfaces())) {
    for (const entry of list ?? []) {
      if (entry.family !== `IPv${address.family}`) continue;
      // A link-local address means nothing on another machine's interfaces.
      if (entry.address.toLowerCase().startsWith("fe80:")) continue;
      const text = address.family === 4 ? `${entry.address}:0` : `[${entry.address}]:0`;
      const parsed = parseAddress(text);
      if (parsed !== undefined) expanded.push(formatAddress({ ...parsed, port: address.port }));
    }
  }
  return expanded;
}
