import test from "ava";
import type { Session } from "../../src/endpoint/session.ts";
import type { SessionHost } from "../../src/endpoint/session-host.ts";
import type { SessionRecord } from "../../src/endpoint/session-record.ts";
import { SessionStreams } from "../../src/endpoint/session-streams.ts";

/** An engine whose streams bring half a name, and the end where `isEnded`. */
function streamsWith(isEnded: boolean) {
  const calls: string[] = [];
  const unread = [Uint8Array.of(5, 97)];
  const engine = {
    read: () => unread.shift(),
    ended: () => isEnded,
    stop: (id: number) => calls.push(`stop ${id}`),
    reset: (id: number) => calls.push(`reset ${id}`),
  };
  const host = { services: [""], now: () => 0, changed: () => undefined };
  const record = { engine } as unknown as SessionRecord;
  const streams = new SessionStreams({} as Session, record, host as unknown as SessionHost);
  return { streams, calls };
}

test("of a stream that ends before its name is complete our half is ended too", (t) => {
  for (const how of ["end", "reset"] as const) {
    const { streams, calls } = streamsWith(how === "end");
    for (const stream of [4, 6]) {
      streams.onEvent({ kind: "stream", stream });
      streams.onEvent({ kind: "readable", stream });
      if (how === "reset") streams.onEvent({ kind: "reset", stream, code: 256 });
    }
    t.deepEqual(calls, ["stop 4", "reset 4", "stop 6"], how);
    streams.onEvent({ kind: "reset", stream: 4, code: 256 });
    t.is(calls.length, 3, "and that once");
  }
});
