/**
 * Where peers say they are. The original keeps the last declaration of a key for ever, so a recorded
 * one moves a peer back and invented keys fill its memory. Here a declaration counts only for
 * initiations that come from where it came from. docs/CLASSIC.md, "The ten attacks", 3 and 4.
 */
import { parseAddress } from "../base/address.ts";
import { equalBytes, toHex } from "../base/bytes.ts";
import type { AddressDeclaration } from "./address-declaration.ts";
import { isClassicGroup } from "./classic-group.ts";
import { sourceHost } from "./source-host.ts";

const LIFETIME_MS = 600_000;
const MOST_PEERS = 1024;
const MOST_PEERS_OF_HOST = 8;
/** Below are the services a reflector would like to hit: DNS, NTP, SNMP. */
const LOWEST_PORT = 1024;

interface Peer {
  readonly host: string;
  declaration: AddressDeclaration;
  heardMs: number;
}

/** Tells whether an answer may go to a declared address: a classic group, or where the packet came from. */
export function isAnswerable(declared: string, source: string, ownGroup: string): boolean {
  const address = parseAddress(declared);
  const from = parseAddress(source);
  if (address === undefined || from === undefined || declared === ownGroup) return false;
  if (address.port < LOWEST_PORT || address.family !== from.family) return false;
  return isClassicGroup(address) || equalBytes(address.bytes, from.bytes);
}

export class DeclaredPeers {
  /** Oldest first. */
  readonly #peers = new Map<string, Peer>();

  get size(): number {
    return this.#peers.size;
  }

  /** The same bytes from the same place are held, so their signature is known to be right. */
  holds({ source: key, bytes }: AddressDeclaration, source: string): boolean {
    const peer = this.#peers.get(nameOf(key, source));
    return peer !== undefined && equalBytes(peer.declaration.bytes, bytes);
  }

  /** @param declaration - with a right signature and an answerable address */
  put(declaration: AddressDeclaration, source: string, nowMs: number): void {
    const name = nameOf(declaration.source, source);
    const host = sourceHost(source);
    this.#peers.delete(name);
    this.#forget(host, nowMs);
    this.#peers.set(name, { host, declaration, heardMs: nowMs });
  }

  addressOf(key: Uint8Array, source: string, nowMs: number): string | undefined {
    const peer = this.#peers.get(nameOf(key, source));
    if (peer === undefined || nowMs - peer.heardMs > LIFETIME_MS) return undefined;
    return peer.declaration.address;
  }

  /** Makes room: what is too old, the oldest of a host with many, the oldest of all. */
  #forget(host: string, nowMs: number): void {
    const ofHost: string[] = [];
    for (const [name, peer] of this.#peers) {
      if (nowMs - peer.heardMs > LIFETIME_MS) this.#peers.delete(name);
      else if (peer.host === host) ofHost.push(name);
    }
    const surplus = ofHost.length - MOST_PEERS_OF_HOST + 1;
    for (const name of ofHost.slice(0, Math.max(0, surplus))) this.#peers.delete(name);
    if (this.#peers.size < MOST_PEERS) return;
    const [oldest] = this.#peers.keys();
    this.#peers.delete(oldest as string);
  }
}

function nameOf(key: Uint8Array, source: string): string {
  return `${toHex(key)} ${source}`;
}
