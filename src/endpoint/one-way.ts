import type { Duplex } from "node:stream";
import { Mp2pError } from "../base/errors.ts";

/**
 * The peer decides whether its stream has a way back. Node reports a write where there is none as an `error`
 * event, so without this every program that answers streams could be ended by a peer.
 *
 * @param refused - destroys the stream, with an error only where somebody listens
 */
export function refuseAnswers(stream: Duplex, refused: () => void): void {
  const write = stream.write.bind(stream) as (...rest: unknown[]) => boolean;
  const end = stream.end.bind(stream) as (...rest: unknown[]) => Duplex;
  Object.assign(stream, {
    write: (...rest: unknown[]) => {
      refused();
      return write(...rest);
    },
    end: (...rest: unknown[]) => {
      if (rest[0] !== undefined && rest[0] !== null && typeof rest[0] !== "function") refused();
      return end(...rest);
    },
  });
}

/** Why nothing is written where the peer left no way back. */
export function oneWay(): Mp2pError {
  return new Mp2pError("MP2P_STREAM_STOPPED", "the peer opened this stream for one direction", {
    hint: "look at `writable` before you answer a stream",
  });
}
