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

/** Without link-local addresses, which mean nothing on another machine's interfaces. */
function expand(wildcard: string): string[] {
  const address = parseAddress(wildcard);
  if (address === undefined) return [];
  const { family, port } = address;
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter((entry) => entry.family === `IPv${family}` && !/^fe80:/i.test(entry.address))
    .map((entry) => parseAddress(family === 4 ? `${entry.address}:0` : `[${entry.address}]:0`))
    .flatMap((parsed) => (parsed === undefined ? [] : [formatAddress({ ...parsed, port })]));
}
