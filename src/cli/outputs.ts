/** Stdout and stderr: their reader may be slow, which an end must wait for, or gone, which is an end. */
import type { Writable } from "node:stream";
import { Interruption } from "./failure.ts";

/** Whoever read our output has gone (`| head -1`). */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";
}

type Output = Writable & { readonly isTTY?: boolean };

/** @returns aborts with `ReaderGone`, or with what else keeps output from being written, such as a full disk */
export function abortOnLostOutput(outputs: readonly Output[]): AbortSignal {
  const controller = new AbortController();
  for (const output of outputs) {
    output.on("error", (error: NodeJS.ErrnoException) => {
      controller.abort(whyLost(error, output));
    });
  }
  return controller.signal;
}

/** Linux says EIO for a terminal that was closed, maybe before SIGHUP is heard. */
function whyLost(error: NodeJS.ErrnoException, { isTTY }: Output): Error {
  if (error.code === "EIO" && isTTY === true) return new Interruption("SIGHUP");
  return error.code === "EPIPE" ? new ReaderGone(error.message) : error;
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
