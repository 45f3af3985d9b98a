/** Peers met before: their static keys, so that the next handshake is IK, and where they were. */
import { nameOf } from "../base/bytes.ts";
import { RecentMap } from "../base/recent-map.ts";
import type { SessionRecord } from "./session-record.ts";

const MAX_PEERS = 1024;

interface Met {
  /** 32 bytes, bound to the peer's key by a verified signature. */
  readonly staticKey: Uint8Array;
  readonly addresses: Iterable<string>;
}

export class Acquaintances {
  /** By the name of the key, in the order of the last meeting. */
  readonly #met = new RecentMap<string, Met>(MAX_PEERS);

  remember({ peer, knownAddresses }: SessionRecord): void {
    this.#met.set(nameOf(peer.key), { staticKey: peer.staticKey, addresses: knownAddresses });
  }

  find(key: Uint8Array): Met | undefined {
    return this.#met.get(nameOf(key));
  }
}
