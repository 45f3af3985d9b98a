/** Casts on the local network: making one's own known, and hearing of those of keys that are trusted. */

import { onAbort } from "../base/abort.ts";
import type { AnnouncedCast } from "../multicast/cast/contract.ts";
import { CastAnnouncer } from "../multicast/cast-announcer.ts";
import { CastListener } from "../multicast/cast-listener.ts";
import type { SelfConfig } from "../multicast/self.ts";
import { readKey } from "../noise/identity.ts";
import { AsyncQueue } from "./async-queue.ts";

export interface CastsNearbyOptions {
  /** Whose casts to hear of. Default: the keys that `allow` lists. */
  readonly trusted?: readonly (Uint8Array | string)[];
  readonly signal?: AbortSignal;
}

export interface AnnouncedCastsConfig extends SelfConfig {
  /** Nothing is said in the open. */
  readonly isPrivate: boolean;
}

const MAX_WAITING = 64;

export class AnnouncedCasts {
  readonly #config: AnnouncedCastsConfig;
  readonly #listener: CastListener;

  constructor(config: AnnouncedCastsConfig) {
    this.#config = config;
    this.#listener = new CastListener(config);
  }

  /** @returns a function that says that it is over */
  announce(castId: Uint8Array): () => void {
    if (this.#config.isPrivate) return () => undefined;
    const announcer = new CastAnnouncer({ ...this.#config, castId });
    return () => announcer.close();
  }

  /** Ends with the signal, without an error. */
  heard(
    trusted: readonly (Uint8Array | string)[],
    signal: AbortSignal | undefined,
  ): AsyncIterable<AnnouncedCast> {
    const casts = new AsyncQueue<AnnouncedCast>({ items: MAX_WAITING });
    const keys = trusted.map(readKey);
    if (signal?.aborted) {
      casts.end();
      return casts;
    }
    const stop = this.#listener.follow(keys, ({ key, castId, instance, addresses }) =>
      casts.push({ key, castId, instance, addresses }),
    );
    const end = () => {
      stop();
      casts.end();
    };
    const stopListening = onAbort(signal, end);
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => casts.next(),
        return: async () => {
          end();
          stopListening();
          return { value: undefined, done: true };
        },
      }),
    };
  }
}
