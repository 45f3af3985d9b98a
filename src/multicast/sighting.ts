/** A peer that was seen on the local network, and where an announcement lets us look for it. */
import { isMulticast, parseAddress, reachOf } from "../base/address.ts";
import { isLoopback } from "../path/ladder.ts";
import type { SignedAnnouncement } from "../wire/announce.ts";
import { parseGroup } from "./group-kind.ts";

/** WIRE item 21: all that a replayed announcement can make us do is send an INIT to so many. */
const MAX_ADDRESSES = 8;

export interface Sighting {
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  /** Which endpoint of that key, 8 bytes. */
  readonly instance: Uint8Array;
  /** X25519 static key, 32 bytes: bound to `key` by the announcement's signature. */
  readonly staticKey: Uint8Array;
  /** Where it was heard from, then where it says it is: hints. At most 8. */
  readonly addresses: readonly string[];
  /** Groups it listens on besides those of its key. */
  readonly groups: readonly string[];
  /** Interface of ours it was heard on. */
  readonly interfaceName: string;
  /** On the hub's clock; in the past for an endpoint that said goodbye. */
  readonly expiresAt: number;
}

/** @param source - where the announcement came from: of a link-local peer the only address there is */
export function sightingOf(
  announcement: SignedAnnouncement,
  source: string,
  interfaceName: string,
  now: number,
): Sighting {
  const { key, instance, staticKey, ttlSeconds } = announcement;
  const sameHost = isLoopback(source);
  const named = announcement.addresses.filter((text) => isUsable(text, sameHost));
  const groups = announcement.addresses.filter(isFreeGroup);
  return {
    key: key.slice(),
    instance: instance.slice(),
    staticKey: staticKey.slice(),
    addresses: [...new Set([source, ...named])].slice(0, MAX_ADDRESSES),
    groups,
    interfaceName,
    expiresAt: now + 1000 * ttlSeconds,
  };
}

/** A host's address that means the same here as where it was named. */
function isUsable(text: string, sameHost: boolean): boolean {
  const address = parseAddress(text);
  if (address === undefined || address.port === 0) return false;
  const { family, bytes } = address;
  if (family === 6 && bytes[0] === 0xfe && ((bytes[1] as number) & 0xc0) === 0x80) return false;
  const reach = reachOf(address);
  return reach !== undefined && (reach !== "loopback" || sameHost);
}

function isFreeGroup(text: string): boolean {
  const address = parseAddress(text);
  if (address === undefined || !isMulticast(address)) return false;
  const group = parseGroup(text);
  return group !== undefined && group.kind !== "assigned";
}
