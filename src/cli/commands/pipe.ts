import { pipeline } from "node:stream/promises";
import type { Session, Stream } from "../../index.ts";
import type { Context } from "../context.ts";
import type { DoneEvent } from "../events.ts";
import { flushed } from "../outputs.ts";
import { within } from "../waiting.ts";
import { followSilence } from "./pipe-silence.ts";

/** Streams of this service join the stdin of one process with the stdout of the other. */
export const PIPE_SERVICE = "pipe/1";

/**
 * Joins stdin and stdout with a stream. Each direction ends on its own: the end of stdin is passed
 * on while stdout still gets what the peer has to say.
 */
export async function runPipe(
  session: Session,
  stream: Stream,
  { reporter, stdin, stdout, signal, now }: Context,
): Promise<DoneEvent> {
  const startedMs = now();
  let bytes = 0;
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
  };
  followSilence(session, reporter);
  try {
    const directions = [
      pipeline(stdin, stream, { signal }),
      pipeline(stream, stdout, { signal, end: false }),
    ];
    stdin.on("data", count);
    stream.on("data", count);
    await Promise.all(directions);
    await within(flushed(stdout), undefined, signal);
  } catch (error) {
    signal.throwIfAborted();
    // A peer closes only after both directions ended; its last acknowledgement may be what got lost.
    const isComplete = stream.readableEnded && stream.writableEnded;
    if (!isComplete) throw stream.failure ?? error;
  }
  return {
    t: "done",
    peer: session.peer.keyText,
    bytes,
    files: 0,
    seconds: (now() - startedMs) / 1000,
    path: session.path.kind,
    resumedBytes: 0,
    payloadBytes: bytes,
    wireBytes: session.stats().bytesSent,
  };
}
