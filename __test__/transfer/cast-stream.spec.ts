import { Readable, Writable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import test from "ava";
import { castFiles } from "../../src/transfer/cast-files.ts";
import { castStream, receiveCastStream } from "../../src/transfer/cast-stream.ts";
import { receiveCast } from "../../src/transfer/receive-cast.ts";
import { memoryCast } from "./memory-cast.ts";
import { noise, scratch } from "./support.ts";

/** Takes bytes slowly, one chunk a turn. */
class Sink extends Writable {
  readonly chunks: Buffer[] = [];

  constructor() {
    super({ highWaterMark: 1000 });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(Buffer.from(chunk));
    void setImmediate().then(done);
  }
}

test("a stream arrives in order, whatever order its blocks come in", async (t) => {
  const content = noise(100_003);
  const pieces = [];
  for (let at = 0; at < content.length; at += 7001) pieces.push(content.subarray(at, at + 7001));
  const { sender, receiver } = memoryCast({ blockBytes: 3000, atOnce: 9 });
  const cast = castStream(sender, Readable.from(pieces));
  const sink = new Sink();
  const receipt = await receiveCastStream(receiver, cast.ticket, sink);
  t.is(receipt.bytes, content.length);
  t.deepEqual(Buffer.concat(sink.chunks), content);
  t.true(sink.writableFinished);
});

test("an empty stream is an empty cast", async (t) => {
  const { sender, receiver } = memoryCast();
  const cast = castStream(sender, Readable.from([]));
  const sink = new Sink();
  await receiveCastStream(receiver, cast.ticket, sink);
  t.deepEqual(sink.chunks, []);
});

test("a reader that goes away ends its cast", async (t) => {
  const { sender, receiver } = memoryCast({
    atOnce: 1,
    order: (n) => Array.from({ length: n }, (_, at) => at),
  });
  const cast = castStream(sender, Readable.from([noise(50_000)]));
  const sink = new Sink();
  sink.destroy();
  await t.throwsAsync(receiveCastStream(receiver, cast.ticket, sink));
});

test("files are not received as a stream, nor a stream as files", async (t) => {
  const folder = await scratch(t);
  const live = memoryCast();
  castStream(live.sender, Readable.from([noise(5000)]));
  await t.throwsAsync(receiveCast(live.receiver, "", folder).done, { code: "MP2P_USAGE" });
  const files = memoryCast();
  await castFiles(files.sender, [folder]);
  const sink = new Sink();
  await t.throwsAsync(receiveCastStream(files.receiver, "", sink), { code: "MP2P_USAGE" });
});
