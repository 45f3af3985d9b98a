/** Whoever waits for a write, or for the end, hears of it however a stream ends: Node's Duplex alone would not tell. */
import test from "ava";
import { Mp2pError } from "../../src/base/errors.ts";
import { Stream, type StreamLink } from "../../src/endpoint/stream.ts";

/** @param taken - bytes of each write that the engine has room for */
function streamOf(taken: number): Stream {
  const link: StreamLink = {
    write: (bytes) => Math.min(bytes.length, taken),
    finish: () => undefined,
    read: () => undefined,
    consume: () => undefined,
    ended: () => false,
    reset: () => undefined,
    stop: () => undefined,
    released: () => undefined,
  };
  return Stream.make(link, { id: 0, service: "", readable: true, writable: true, streams: 1 });
}

const LOST = new Mp2pError("MP2P_IDLE", "the peer fell silent");
const STOPPED = new Mp2pError("MP2P_STREAM_STOPPED", "the peer stopped reading");
const ENDINGS: readonly [string, (stream: Stream) => unknown, string][] = [
  ["the program destroys it", (stream) => stream.destroy(), "MP2P_CLOSED"],
  ["its session ends", (stream) => stream.fail(LOST), "MP2P_IDLE"],
  ["its peer reads no more", (stream) => stream.onStopped(STOPPED), "MP2P_STREAM_STOPPED"],
];

for (const [ending, end, code] of ENDINGS) {
  for (const taken of [3, 10]) {
    test(`writes and the end are called back where ${ending}, ${taken} of 10 bytes taken`, async (t) => {
      const stream = streamOf(taken);
      const heard: (string | undefined)[] = [];
      const tell = (error?: Error | null) => heard.push((error as Mp2pError | undefined)?.code);
      const closed = new Promise((resolve) => stream.once("close", resolve));
      stream.lend(new Uint8Array(10), tell);
      stream.write(new Uint8Array(10), tell);
      stream.end(tell);
      await new Promise(setImmediate);
      end(stream);
      await closed;
      t.deepEqual(heard, taken === 10 ? [undefined, undefined, code] : [code, code, code]);
    });
  }
}

test("a write after the peer stopped reading is called back", async (t) => {
  const stream = streamOf(10);
  stream.onStopped(STOPPED);
  const error = await new Promise((resolve) => stream.write("x", resolve));
  t.is(error, STOPPED);
});

test("an end after the peer stopped reading is called back", async (t) => {
  const stream = streamOf(10);
  stream.onStopped(STOPPED);
  const error = await new Promise((resolve) => stream.end(resolve));
  t.is(error, STOPPED);
});
