import { mock } from "node:test";
import test from "ava";
import { watchSilence } from "../../src/cli/commands/pipe-silence.ts";
import type { CliEventBody } from "../../src/cli/events.ts";
import type { Reporter } from "../../src/cli/reporter.ts";
import type { Session } from "../../src/index.ts";

test("people and scripts are told that the other end does not answer, seldom, and when it does again", (t) => {
  mock.timers.enable({ apis: ["setInterval"] });
  t.teardown(() => mock.timers.reset());
  const notes: string[] = [];
  const events: CliEventBody[] = [];
  let second = 0;
  let stats = { packetsReceived: 1, inFlightBytes: 0 };
  const reporter = {
    note: (text: string) => notes.push(`${second}: ${text}`),
    emit: (event: CliEventBody) => events.push(event),
  } as unknown as Reporter;
  const session = { peer: { keyText: "ybndrfg8" }, path: { kind: "lan" }, stats: () => stats };
  using _ = watchSilence(session as Session, reporter, () => second * 1000);
  const pass = (seconds: number, packetsReceived: number, inFlightBytes: number): void => {
    stats = { packetsReceived, inFlightBytes };
    for (const end = second + seconds; second < end; ) {
      second++;
      mock.timers.tick(1000);
    }
  };
  // Nothing has to be answered.
  pass(60, 1, 0);
  pass(5, 1, 100);
  pass(1, 2, 100);
  t.deepEqual(notes, []);
  pass(25, 2, 100);
  pass(10, 3, 100);
  t.deepEqual(notes, [
    "71: no answer for 0:05; still trying",
    "76: no answer for 0:10; still trying",
    "86: no answer for 0:20; still trying",
    "92: the peer answers again",
    "97: no answer for 0:05; still trying",
  ]);
  const stalled = { t: "stalled", peer: "ybndrfg8", path: "lan" } as const;
  t.deepEqual(
    events,
    [5, 10, 20, 0, 5].map((seconds) => ({ ...stalled, seconds })),
  );
});
