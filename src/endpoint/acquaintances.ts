/** Peers met before: their static keys, so that the next handshake is IK, and where they were. */
import { nameOf } from "../base/bytes.ts";
import type { SessionRecord } from "./session-record.ts";

const MAX_PEERS = 1024;

interface Met {
  /** 32 bytes, bound to the peer's key by a verified signature. */
  readonly staticKey: Uint8Array;
  readonly addresses: Iterable<string>;
}

export class Acquaintances {
  /** By the name of the key, in the order of the last meeting. */
  readonly #met = new Map<string, Met>();

  remember({ peer, knownAddresses }: SessionRecord): void {
    const name = nameOf(peer.key);
    this.#met.delete(name);
    this.#met.set(name, { staticKey: peer.staticKey, addresses: knownAddresses });
    const [oldest] = this.#met.keys();
    if (this.#met.size > MAX_PEERS && oldest !== undefined) this.#met.delete(oldest);
  }

  find(key: Uint8Array): Met | undefined {
    return this.#met.get(nameOf(key));
  }
}
