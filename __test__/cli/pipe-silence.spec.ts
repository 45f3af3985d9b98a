import { EventEmitter } from "node:events";
import test from "ava";
import { followSilence } from "../../src/cli/commands/pipe-silence.ts";
import type { CliEventBody } from "../../src/cli/events.ts";
import type { Reporter } from "../../src/cli/reporter.ts";
import type { Session, SessionEvents } from "../../src/index.ts";

test("people and scripts are told that the other end does not answer, and when it does again", (t) => {
  const notes: string[] = [];
  const events: CliEventBody[] = [];
  const reporter = {
    note: (text: string) => notes.push(text),
    emit: (event: CliEventBody) => events.push(event),
  } as unknown as Reporter;
  const session = new EventEmitter<SessionEvents>();
  Object.assign(session, { peer: { keyText: "ybndrfg8" }, path: { kind: "lan" } });
  followSilence(session as Session, reporter);
  session.emit("silent", 5000.2);
  session.emit("silent", 10_000);
  session.emit("heard");
  t.deepEqual(notes, [
    "no answer for 0:05; still trying",
    "no answer for 0:10; still trying",
    "the peer answers again",
  ]);
  const stalled = { t: "stalled", peer: "ybndrfg8", path: "lan" } as const;
  t.deepEqual(
    events,
    [5, 10, 0].map((seconds) => ({ ...stalled, seconds })),
  );
});
