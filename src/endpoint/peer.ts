import { bytesOf, concat, nameOf } from "../base/bytes.ts";

const KEY_BYTES = 32;

export interface Peer {
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  /** X25519 static key, 32 bytes, bound to `key` by a verified signature. */
  readonly staticKey: Uint8Array;
  /** Which endpoint of that key, 8 bytes. */
  readonly instance: Uint8Array;
}

/** Name of the unordered pair of endpoint instances, as seen from here. */
export function pairName(key: Uint8Array, instance: Uint8Array): string {
  return nameOf(concat(key, instance));
}

/**
 * A peer as two strings, one of which is there anyway: as arrays, its three parts would take 700 bytes of
 * every idle session. What is asked for is made anew.
 */
export class NamedPeer implements Peer {
  /** As `pairName` makes it. */
  readonly pair: string;
  readonly #staticKey: string;

  constructor(pair: string, staticKey: Uint8Array) {
    this.pair = pair;
    this.#staticKey = nameOf(staticKey);
  }

  get key(): Uint8Array {
    return bytesOf(this.pair).slice(0, KEY_BYTES);
  }

  get staticKey(): Uint8Array {
    return bytesOf(this.#staticKey);
  }

  get instance(): Uint8Array {
    return bytesOf(this.pair).slice(KEY_BYTES);
  }
}
