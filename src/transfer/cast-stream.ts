/** Live casts: what a stream yields to any number of receivers while it yields it. */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { Mp2pError } from "../base/errors.ts";
import type {
  AnnouncedCast,
  CastContent,
  Casting,
  CastOptions,
  CastReceipt,
  CastShape,
  CastTarget,
  HeldBlock,
  ReceiveCastOptions,
} from "../multicast/cast/contract.ts";
import type { CastEndpoint } from "./cast-endpoint.ts";
import { type FileCast, running } from "./cast-files.ts";
import { LivePacker, liveBytes } from "./live-blocks.ts";

/** Blocks that came before their turn; a receiver so far behind has lost more than repair brings. */
const EARLY_BYTES_MAX: number = 256 * 1024 * 1024;

export type StreamCast = Omit<FileCast, "files" | "bytes" | "names" | "failed">;

/**
 * Casts what a stream yields. Receivers get it from the beginning as long as they come before the
 * first byte (`minReceivers`); the stream is read no faster than it can be sent. What it yields leaves within half a
 * second, however little it is.
 */
export function castStream(
  endpoint: CastEndpoint,
  readable: Readable,
  options: CastOptions = {},
): StreamCast {
  const content = new StreamContent(readable);
  const casting = counted(endpoint.cast(content, options), content.packer);
  const done = casting.done.finally(() => readable.destroy());
  done.catch(() => undefined);
  return { ...running(casting), done };
}

/** In bytes of the stream, not of its blocks. */
function counted(casting: Casting, packer: LivePacker): Casting {
  const count = <Counted extends { readonly bytes: number }>(its: Counted): Counted => ({
    ...its,
    bytes: packer.bytesIn(its.bytes),
  });
  return {
    ticket: casting.ticket,
    progress: () => {
      const { total, slowest, median, ...rest } = casting.progress();
      return {
        ...count(rest),
        total: total === undefined ? undefined : packer.bytesIn(total),
        slowest: packer.bytesIn(slowest),
        median: packer.bytesIn(median),
      };
    },
    receivers: () => casting.receivers().map(count),
    done: casting.done.then((report) => ({
      ...count(report),
      receivers: report.receivers.map(count),
    })),
    close: () => casting.close(),
    [Symbol.asyncDispose]: () => casting.close(),
  };
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
  const { end = true, onProgress, ...rest } = options;
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
      ...(onProgress && {
        onProgress: ({ path }) => {
          onProgress({ bytes: target.bytes, total: undefined, heldBytes: 0, path });
        },
      }),
    });
    writable.off("close", fail);
    if (end) await ended(writable);
    return { ...receipt, bytes: target.bytes };
  } finally {
    writable.off("error", fail);
    writable.off("close", fail);
  }
}

class StreamContent implements CastContent {
  readonly manifest: Uint8Array = new Uint8Array();
  readonly bytes: undefined;
  readonly packer: LivePacker;

  constructor(readable: Readable) {
    this.packer = new LivePacker(readable[Symbol.asyncIterator]());
  }

  /** Of what is live each block is read by itself. */
  read(_offset: number, into: Uint8Array): Promise<number> {
    return this.packer.fill(into);
  }
}

class StreamTarget implements CastTarget {
  /** Of the stream, that came so far. */
  bytes = 0;
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
    this.bytes += liveBytes(bytes).length;
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
      if (!this.#writable.write(liveBytes(next)))
        await once(this.#writable, "drain", { signal: this.#gone });
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
