/** Stdout and stderr: their reader may be slow, which an end must wait for, or gone, which is an end. */
import type { Writable } from "node:stream";

/** Whoever read our output has gone (`| head -1`), or the terminal has. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";
}

/** Linux says EIO for a terminal that was closed. */
const GONE: ReadonlySet<string | undefined> = new Set(["EPIPE", "EIO"]);

/** @returns aborts with `ReaderGone`, or with what else keeps output from being written, such as a full disk */
export function abortOnLostOutput(outputs: readonly Writable[]): AbortSignal {
  const controller = new AbortController();
  for (const output of outputs) {
    output.on("error", (error: NodeJS.ErrnoException) => {
      controller.abort(GONE.has(error.code) ? new ReaderGone(error.message) : error);
    });
  }
  return controller.signal;
}

/**
 * Settles once the system has all that was written. On pipes Node writes without blocking, and what it still
 * holds when a process ends is lost.
 *
 * @throws what it could not be written for
 */
export function flushed(output: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write("", (error) => (error ? reject(error) : resolve()));
  });
}
