import test from "ava";
import { PipeSilence } from "../../src/cli/commands/pipe-silence.ts";

test("people are told that the other end does not answer, seldom, and when it does again", (t) => {
  const notes: string[] = [];
  let second = 0;
  const silence = new PipeSilence((text) => notes.push(`${second}: ${text}`));
  const pass = (seconds: number, packetsReceived: number, inFlightBytes: number): void => {
    for (const end = second + seconds; second < end; second++)
      silence.look({ packetsReceived, inFlightBytes }, second * 1000);
  };
  // Nothing has to be answered.
  pass(60, 1, 0);
  pass(4, 1, 100);
  pass(1, 2, 100);
  t.deepEqual(notes, []);
  pass(25, 2, 100);
  pass(10, 3, 100);
  t.deepEqual(notes, [
    "69: no answer for 0:05; still trying",
    "74: no answer for 0:10; still trying",
    "84: no answer for 0:20; still trying",
    "90: the peer answers again",
    "95: no answer for 0:05; still trying",
  ]);
});
