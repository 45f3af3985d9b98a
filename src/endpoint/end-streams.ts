/** How streams end: with their session, or by their peer. */
import { Mp2pError } from "../base/errors.ts";
import { CLOSE_CODE } from "../session/close-codes.ts";
import type { SessionEngine } from "../session/session.ts";
import type { Stream } from "./stream.ts";

/** Streams that are complete but for their reading can be read on; all others fail. */
export function endStreams(
  streams: Iterable<readonly [number, Stream]>,
  engine: SessionEngine,
  error: Mp2pError,
): void {
  for (const [id, stream] of [...streams]) {
    if (!stream.outlives(engine.unread(id))) stream.fail(error);
  }
}

/** Why a peer ended one stream. */
export function streamError(service: string, code: number, how: "reset" | "stopped"): Mp2pError {
  if (code === CLOSE_CODE.NO_SUCH_SERVICE) {
    const name = JSON.stringify(service);
    return new Mp2pError("MP2P_NO_SUCH_SERVICE", `the peer has no service ${name}`, {
      hint: "the peer has to open its endpoint with that name among its `services`",
    });
  }
  const did = how === "reset" ? "broke off" : "stopped reading";
  const errorCode = how === "reset" ? "MP2P_STREAM_RESET" : "MP2P_STREAM_STOPPED";
  return new Mp2pError(errorCode, `the peer ${did} this stream (code ${code})`);
}
