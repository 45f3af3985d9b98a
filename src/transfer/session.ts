/** What a transfer needs of a session; `Session` of the endpoint satisfies it. */
import type { Duplex } from "node:stream";

/** Service name of the streams that carry transfers. */
export const TRANSFER_SERVICE = "transfer/1";

export interface TransferSession {
  readonly peer: { readonly key: Uint8Array; readonly keyText: string };
  /** 32 bytes; synchronous. */
  readonly blake3: (data: Uint8Array) => Uint8Array;
  openStream(options?: {
    readonly service?: string;
    readonly priority?: number;
    readonly unidirectional?: boolean;
    readonly signal?: AbortSignal;
  }): Promise<Duplex>;
  streams(service?: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Duplex>;
  /** Settles when the session has ended. */
  readonly closed: Promise<unknown>;
}

/** A stream that spares copies: `Stream` of the endpoint. */
export interface ConsumableStream extends Duplex {
  /** @param bytes - stay as they are until the peer says that it has them */
  lend(bytes: Uint8Array, written: () => void): boolean;
  /** @param take - bytes are borrowed for the call; a promise holds the stream until it settles */
  consume(take: (bytes: Uint8Array) => Promise<unknown> | undefined): void;
}
