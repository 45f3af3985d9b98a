/** What the engines of a cast ask of whoever runs them; callbacks, so that virtual time can. */
import type { CastShape, HeldBlock } from "./contract.ts";

/** The `cast/1` stream to the other side. */
export interface CastLink {
  /** Queues a record; it is not copied, so it must not change. */
  send(record: Uint8Array): void;
  /** Bytes queued that the session has not taken yet. */
  backlog(): number;
  /** Ends the stream once everything queued is through. */
  close(): void;
}

/** `CastTarget` without promises; `done` gets what was thrown. */
export interface TargetPort {
  offered(
    manifest: Uint8Array,
    shape: CastShape,
    done: (held: readonly HeldBlock[] | undefined, error: unknown) => void,
  ): void;
  write(offset: number, bytes: Uint8Array, hash: Uint8Array, done: (error: unknown) => void): void;
  complete(done: (error: unknown) => void): void;
}

/** `CastContent` without promises. */
export interface ContentPort {
  readonly manifest: Uint8Array;
  readonly bytes: number | undefined;
  /** One call at a time. */
  read(offset: number, into: Uint8Array, done: (bytes: number, error: unknown) => void): void;
}
