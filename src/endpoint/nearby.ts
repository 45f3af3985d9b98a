/** Peers on the local network, as a program sees them. */
import { onAbort } from "../base/abort.ts";
import { toHex } from "../base/bytes.ts";
import { RecentMap } from "../base/recent-map.ts";
import { toZbase32 } from "../base/zbase32.ts";
import type { Discovery } from "../multicast/discovery.ts";
import type { Sighting } from "../multicast/sighting.ts";
import { readKey } from "../noise/identity.ts";
import { AsyncQueue } from "./async-queue.ts";

export interface NearbyPeer {
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  /** The key as 52 characters of z-base-32. */
  readonly keyText: string;
  /** Which endpoint of that key, 8 bytes. */
  readonly instance: Uint8Array;
  /** Hints of where it is, nearest first. */
  readonly addresses: readonly string[];
  /** Interface of ours it was heard on. */
  readonly interface: string;
  /** Its key is one of `contacts`. */
  readonly trusted: boolean;
}

export interface NearbyOptions {
  /**
   * Keys to tell from others: marked as trusted, and seen even where they announce themselves in private.
   * Default: those that `allow` lists.
   */
  readonly contacts?: readonly (Uint8Array | string)[];
  readonly signal?: AbortSignal;
}

const MAX_WAITING = 1024;
/** A loop that goes on for days meets more endpoints than there are at any time; who was long forgotten is shown anew. */
const MAX_SHOWN = 16_384;

/**
 * Endpoints that announce themselves, each once, and again where its addresses changed. Ends with the
 * signal, without an error.
 */
export function nearbyPeers(
  discovery: Discovery,
  contacts: readonly (Uint8Array | string)[],
  signal: AbortSignal | undefined,
): AsyncIterable<NearbyPeer> {
  const peers = new AsyncQueue<NearbyPeer>({ items: MAX_WAITING });
  if (signal?.aborted) {
    peers.end();
    return peers;
  }
  const keys = contacts.map(readKey);
  const trusted = new Set(keys.map(toHex));
  discovery.follow(keys);
  const shown = new RecentMap<string, string>(MAX_SHOWN);
  const stop = discovery.search(undefined, (sighting) => {
    const name = `${toHex(sighting.key)}.${toHex(sighting.instance)}`;
    const addresses = sighting.addresses.join(" ");
    const isShown = shown.get(name) === addresses;
    if (isShown || peers.push(peerOf(sighting, trusted))) shown.set(name, addresses);
  });
  const end = () => {
    stop();
    peers.end();
  };
  const stopListening = onAbort(signal, end);
  const iterate = peers[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => iterate.next(),
      return: async () => {
        end();
        stopListening();
        return { value: undefined, done: true };
      },
    }),
  };
}

function peerOf(sighting: Sighting, trusted: ReadonlySet<string>): NearbyPeer {
  const { key, instance, addresses, interfaceName } = sighting;
  return {
    key,
    keyText: toZbase32(key),
    instance,
    addresses,
    interface: interfaceName,
    trusted: trusted.has(toHex(key)),
  };
}
