/** Live casts: what a stream yields to any number of receivers while it yields it. */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { Mp2pError } from "../base/errors.ts";
import type {
  AnnouncedCast,
  CastContent,
  CastOptions,
  CastReceipt,
  CastShape,
  CastTarget,
  HeldBlock,
  ReceiveCastOptions,
} from "../multicast/cast/contract.ts";
import type { CastEndpoint } from "./cast-endpoint.ts";
import { type FileCast, running } from "./cast-files.ts";

/** Blocks that came before their turn; a receiver so far behind has lost more than repair brings. */
const EARLY_BYTES_MAX: number = 256 * 1024 * 1024;

export type StreamCast = Omit<FileCast, "files" | "bytes" | "names" | "failed">;

/**
 * Casts what a stream yields. Receivers get it from the beginning as long as they come before the
 * first byte (`minReceivers`); the stream is read no faster than it can be sent.
 */
export function castStream(
  endpoint: CastEndpoint,
  readable: Readable,
  options: CastOptions = {},
): StreamCast {
  const casting = endpoint.cast(new StreamContent(readable), options);
  const done = casting.done.finally(() => readable.destroy());
  done.catch(() => undefined);
  return { ...running(casting), done };
}

/**
 * Receives a live cast into a stream, in order. The stream is ended when the cast is.
 *
 * @throws {Mp2pError} `MP2P_USAGE` for a cast of files, `MP2P_LIMIT` where too much came out of order
 */
export async function receiveCastStream(
  endpoint: CastEndpoint,
  from: string | AnnouncedCast,
  writable: Writable,
  options: ReceiveCastOptions & { readonly end?: boolean } = {},
): Promise<CastReceipt> {
  const { end = true, ...rest } = options;
  const failed = new AbortController();
  const fail = (error?: Error | null) =>
    failed.abort(error ?? new Mp2pError("MP2P_CLOSED", "whoever reads the cast has gone"));
  writable.once("error", fail);
  writable.once("close", fail);
  const { signal } = rest;
  const signals = signal === undefined ? [failed.signal] : [signal, failed.signal];
  try {
    const target = new StreamTarget(writable, failed.signal);
    const receipt = await endpoint.receiveCast(from, target, {
      ...rest,
      signal: AbortSignal.any(signals),
    });
    writable.off("close", fail);
    if (end) await ended(writable);
    return receipt;
  } finally {
    writable.off("error", fail);
    writable.off("close", fail);
  }
}

class StreamContent implements CastContent {
  readonly manifest: Uint8Array = new Uint8Array();
  readonly bytes: undefined;
  readonly #chunks: AsyncIterator<Uint8Array | string>;
  #rest: Uint8Array = new Uint8Array();

  constructor(readable: Readable) {
    this.#chunks = readable[Symbol.asyncIterator]();
  }

  async read(_offset: number, into: Uint8Array): Promise<number> {
    let at = 0;
    while (at < into.length) {
      if (this.#rest.length === 0) {
        const { done, value } = await this.#chunks.next();
        if (done) break;
        this.#rest = typeof value === "string" ? Buffer.from(value) : value;
      }
      const some = this.#rest.subarray(0, into.length - at);
      into.set(some, at);
      this.#rest = this.#rest.subarray(some.length);
      at += some.length;
    }
    return at;
  }
}

class StreamTarget implements CastTarget {
  readonly #writable: Writable;
  readonly #gone: AbortSignal;
  /** By offset. */
  readonly #early = new Map<number, Uint8Array>();
  #earlyBytes = 0;
  #next = 0;
  #draining: Promise<void> | undefined;

  constructor(writable: Writable, gone: AbortSignal) {
    this.#writable = writable;
    this.#gone = gone;
  }

  async offered(manifest: Uint8Array, _shape: CastShape): Promise<readonly HeldBlock[]> {
    if (manifest.length === 0) return [];
    const hint = "Receive it into a folder: -o DIR (in a program: receiveCast).";
    throw new Mp2pError("MP2P_USAGE", "this cast holds files, not a stream", { hint });
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    if (offset < this.#next || this.#early.has(offset)) return;
    this.#early.set(offset, bytes.slice());
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes > EARLY_BYTES_MAX) {
      const message = "too much of the cast came before what is missing";
      throw new Mp2pError("MP2P_LIMIT", message, { hint: "Cast at a lower rate (--rate)." });
    }
    await this.#drain();
  }

  async complete(): Promise<void> {
    await this.#drain();
    if (this.#early.size === 0) return;
    throw new Mp2pError("MP2P_INTEGRITY", "a part of the stream is missing");
  }

  /** Writes what is next in order. Waits for the reader of the stream, never for a block that is missing. */
  #drain(): Promise<void> {
    this.#draining ??= this.#writeInOrder().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  async #writeInOrder(): Promise<void> {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      if (!this.#writable.write(next)) await once(this.#writable, "drain", { signal: this.#gone });
    }
  }

  #take(): Uint8Array | undefined {
    const next = this.#early.get(this.#next);
    if (next === undefined) return undefined;
    this.#early.delete(this.#next);
    this.#earlyBytes -= next.length;
    this.#next += next.length;
    return next;
  }
}

async function ended(writable: Writable): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    writable.once("error", reject);
    writable.end(resolve);
  });
}
