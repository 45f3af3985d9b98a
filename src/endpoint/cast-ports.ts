/** Between promises and streams here and the callbacks of a cast's engine. */
import type { CastContent, CastTarget } from "../multicast/cast/contract.ts";
import type { CastLink, ContentPort, TargetPort } from "../multicast/cast/ports.ts";
import { RecordStream } from "../multicast/cast/record-stream.ts";
import type { Stream } from "./stream.ts";

const LAST_WORDS_MS = 1000;

export function contentPort(content: CastContent): ContentPort {
  return {
    manifest: content.manifest,
    bytes: content.bytes,
    read: (offset, into, done) => {
      content.read(offset, into).then(
        (bytes) => done(bytes, undefined),
        (error: unknown) => done(0, error ?? new Error("read failed")),
      );
    },
  };
}

/** @param written - called after each write */
export function targetPort(target: CastTarget, written: () => void): TargetPort {
  return {
    offered: (manifest, shape, done) => {
      target.offered(manifest, shape).then(
        (held) => done(held, undefined),
        (error: unknown) => done(undefined, error),
      );
    },
    write: (offset, bytes, hash, done) => {
      settle(
        () => target.write(offset, bytes, hash),
        (error) => {
          done(error);
          written();
        },
      );
    },
    complete: (done) => settle(() => target.complete(), done),
  };
}

function settle(call: () => Promise<void>, done: (error: unknown) => void): void {
  call().then(
    () => done(undefined),
    (error: unknown) => done(error ?? new Error("the target failed")),
  );
}

export function streamLink(stream: Stream): CastLink {
  return {
    send: (record) => {
      if (stream.writable) stream.write(record);
    },
    backlog: () => stream.writableLength,
    close: () => {
      if (stream.writable) stream.end();
    },
  };
}

/** Waits until the peer's machine has all that was written, a second at most: the process may end then. */
export async function delivered(stream: Stream): Promise<void> {
  if (stream.writableFinished || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LAST_WORDS_MS);
    for (const name of ["finish", "close", "error"]) {
      stream.once(name, () => {
        clearTimeout(timer);
        resolve();
      });
    }
  });
}

/**
 * @param received - gets each record; its body is given away
 * @param lost - the stream is gone, however
 * @param room - returns what to wait for before more is read
 */
export function readRecords(
  stream: Stream,
  received: (type: number, body: Uint8Array) => void,
  lost: (error: unknown) => void,
  room: () => Promise<void> | undefined = () => undefined,
): void {
  const records = new RecordStream(received);
  let error: unknown;
  stream.on("error", (cause) => {
    error = cause;
  });
  stream.once("close", () => lost(error ?? stream.failure));
  stream.once("end", () => lost(undefined));
  stream.consume((bytes) => {
    if (!records.push(bytes)) stream.destroy();
    return room();
  });
}
