import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Duplex, PassThrough, Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import test, { type ExecutionContext } from "ava";
import { availableKinds } from "../support/backends.ts";
import { firstOf, type Kind, openPair } from "./pair.ts";

const KINDS: readonly Kind[] = await availableKinds();
const MIXES = KINDS.flatMap((a) => KINDS.map((b) => [a, b] as const));
const BULK_BYTES = 24 * 1024 * 1024;

function sha(): { hash: ReturnType<typeof createHash>; sink: Writable } {
  const hash = createHash("sha256");
  const sink = new Writable({
    write(chunk, _encoding, done) {
      hash.update(chunk);
      done();
    },
  });
  return { hash, sink };
}

for (const mix of MIXES) {
  const [from, to] = mix;
  test(`${from} to ${to}: a long stream arrives whole and in order through pipeline()`, async (t) => {
    const { there, here } = await openPair(t, mix);
    const data = randomBytes(BULK_BYTES);
    const sending = await there.openStream();
    const sent = pipeline(Readable.from([data]), sending);
    const incoming = await firstOf(here.streams());
    incoming.end();
    const { hash, sink } = sha();
    await pipeline(incoming, sink, { end: true });
    await sent;
    t.is(hash.digest("hex"), createHash("sha256").update(data).digest("hex"));
    t.is(there.stats().backend, from);
  });

  test(`${from} to ${to}: each direction of a stream ends on its own`, async (t) => {
    const { there, here } = await openPair(t, mix);
    const ours = await there.openStream();
    ours.end("question");
    const theirs = await firstOf(here.streams());
    t.is(await text(theirs), "question");
    theirs.end("answer");
    t.is(await text(ours), "answer");
  });
}

for (const mix of MIXES) {
  const [from, to] = mix;
  test(`${from} to ${to}: what was lent arrives without a copy, among what was written`, async (t) => {
    const { there, here } = await openPair(t, mix);
    const ours = await there.openStream();
    const memory = randomBytes(1_500_041);
    const expected = createHash("sha256");
    const theirs = firstOf(here.streams()).then(async (stream) => {
      stream.end();
      const { hash, sink } = sha();
      await pipeline(stream, sink);
      return hash.digest("hex");
    });
    for (let round = 0; round < 4; round++) {
      const written = randomBytes(70_000);
      expected.update(written).update(memory);
      ours.write(written);
      await new Promise<void>((resolve) => {
        ours.lend(new Uint8Array(memory.buffer, memory.byteOffset, memory.length), () => resolve());
      });
    }
    ours.end();
    t.is(await theirs, expected.digest("hex"));
  });
}

/** One mix is enough for what happens above the backends. */
const mix = MIXES[0] as readonly [Kind, Kind];

async function openBoth(t: ExecutionContext) {
  const pair = await openPair(t, mix);
  const ours = await pair.there.openStream();
  ours.write("x");
  const theirs = await firstOf(pair.here.streams());
  await new Promise((resolve) => theirs.once("data", resolve));
  return { ...pair, ours, theirs };
}

test("what came whole can be read after its peer has closed the session", async (t) => {
  const { there, here } = await openPair(t, mix);
  const ours = await there.openStream();
  ours.end("question");
  const theirs = await firstOf(here.streams());
  t.is(await text(theirs), "question");
  const answer = randomBytes(300_000);
  theirs.end(answer);
  await Promise.all([once(theirs, "finish"), once(ours, "finish")]);
  await here.close();
  await there.closed;
  const chunks: Buffer[] = [];
  for await (const chunk of ours) chunks.push(chunk);
  t.is(Buffer.concat(chunks).length, answer.length);
  t.true(Buffer.concat(chunks).equals(answer));
  t.is(ours.failure, undefined);
});

for (const [answer, act] of Object.entries<(stream: Duplex) => unknown>({
  write: (stream) => stream.write("answer"),
  end: (stream) => stream.end("answer"),
  pipe: (stream) => stream.pipe(stream),
})) {
  test(`${answer}() where the peer left no way back ends the stream, and no process`, async (t) => {
    const { there, here } = await openPair(t, MIXES[0] as (typeof MIXES)[number]);
    const ours = await there.openStream({ unidirectional: true });
    ours.write("question");
    const theirs = await firstOf(here.streams());
    // Not `once`, which listens for errors.
    const closed = new Promise((done) => theirs.on("close", done));
    act(theirs);
    await closed;
    t.is(theirs.failure?.code, "MP2P_STREAM_STOPPED");
  });
}

test("a unidirectional stream is writable at one end and readable at the other", async (t) => {
  const { there, here } = await openPair(t, mix);
  const ours = await there.openStream({ unidirectional: true });
  ours.end("one way");
  const theirs = await firstOf(here.streams());
  t.false(ours.readable);
  t.false(theirs.writable);
  t.is(await text(theirs), "one way");
});

test("destroying a stream tells the peer, and its process survives without listening", async (t) => {
  const { ours, theirs } = await openBoth(t);
  const closed = new Promise((resolve) => theirs.once("close", resolve));
  ours.destroy();
  await closed;
  t.is(theirs.failure?.code, "MP2P_STREAM_RESET");
});

test("a peer that listens for the error gets it, with its code", async (t) => {
  const { ours, theirs } = await openBoth(t);
  const failed = new Promise<Error & { code?: string }>((resolve) => theirs.once("error", resolve));
  ours.destroy();
  t.is((await failed).code, "MP2P_STREAM_RESET");
});

test("a stream of a service nobody knows is refused by name", async (t) => {
  const { there } = await openPair(t, mix);
  const ours = await there.openStream({ service: "no-such/1" });
  const failed = new Promise<Error & { code?: string }>((resolve) => ours.once("error", resolve));
  ours.write("hello");
  t.is((await failed).code, "MP2P_NO_SUCH_SERVICE");
});

test("a closed session takes its streams along and says why on both sides", async (t) => {
  const { there, here, ours, theirs } = await openBoth(t);
  const ends = [ours, theirs].map(
    (stream) => new Promise((resolve) => stream.once("close", resolve)),
  );
  await there.close({ code: 300, reason: "enough" });
  await Promise.all(ends);
  t.like(await there.closed, { by: "local", code: "MP2P_CLOSED" });
  t.like(await here.closed, { by: "peer", code: "MP2P_CLOSED", closeCode: 300 });
  await t.throwsAsync(there.openStream(), { code: "MP2P_CLOSED" });
});

test("a reader that does not read stops the writer", async (t) => {
  const limits = { connectionCreditBytes: 1 << 20, streamCreditBytes: 1 << 18 };
  const { there, here } = await openPair(t, mix, { limits });
  const ours = await there.openStream();
  const chunk = Buffer.alloc(1 << 20, 7);
  let written = 0;
  let full = false;
  while (!full && written < 512) {
    written++;
    full = !ours.write(chunk);
    if (!full) await new Promise((resolve) => setImmediate(resolve));
  }
  t.true(full, "write() returned false");
  const theirs = await firstOf(here.streams());
  const drained = new Promise((resolve) => ours.once("drain", resolve));
  let read = 0;
  theirs.on("data", (data: Buffer) => {
    read += data.length;
  });
  await drained;
  ours.end();
  await new Promise((resolve) => theirs.once("end", resolve));
  t.is(read, written * chunk.length);
});

test("consume() hands over borrowed bytes, waits for its promise, and ends", async (t) => {
  const limits = { connectionCreditBytes: 1 << 20, streamCreditBytes: 1 << 18 };
  const { there, here } = await openPair(t, mix, { limits });
  const data = randomBytes(BULK_BYTES);
  const ours = await there.openStream({ unidirectional: true });
  ours.end(data);
  const theirs = await firstOf(here.streams());
  const hash = createHash("sha256");
  let calls = 0;
  let waiting = false;
  theirs.consume((bytes) => {
    t.false(waiting, "nothing comes while a promise is pending");
    hash.update(bytes);
    if (++calls % 3 !== 0) return undefined;
    waiting = true;
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      waiting = false;
    });
  });
  await new Promise((resolve) => theirs.once("end", resolve));
  t.is(hash.digest("hex"), createHash("sha256").update(data).digest("hex"));
});

test("consume() takes what an arrow function happens to return for no promise", async (t) => {
  const { ours, theirs } = await openBoth(t);
  const taken: Buffer[] = [];
  ours.consume((bytes) => taken.push(Buffer.from(bytes)));
  theirs.end("an answer");
  await once(ours, "end");
  t.is(Buffer.concat(taken).toString(), "an answer");
});

test("consume() refuses what is no function, and a stream that only this side writes", async (t) => {
  const { there } = await openPair(t, mix);
  const ours = await there.openStream({ unidirectional: true });
  t.throws(() => ours.consume(() => undefined), { instanceOf: TypeError });
  const both = await there.openStream();
  t.throws(() => both.consume(5 as never), { instanceOf: TypeError });
});

test("what is piped into a stream does not kill the process when the peer is lost", async (t) => {
  const { there, ours, theirs } = await openBoth(t);
  const source = new PassThrough();
  source.pipe(ours);
  theirs.pipe(theirs);
  const ends = [ours, theirs].map(
    (stream) => new Promise((resolve) => stream.once("close", resolve)),
  );
  await there.close();
  await Promise.all(ends);
  t.is(ours.failure?.code, "MP2P_CLOSED");
});

test("what consume() throws destroys the stream", async (t) => {
  const { there, here } = await openPair(t, mix);
  const ours = await there.openStream({ unidirectional: true });
  ours.write("x");
  const theirs = await firstOf(here.streams());
  const failed = new Promise<Error>((resolve) => theirs.once("error", resolve));
  theirs.consume(() => {
    throw new Error("no room");
  });
  t.is((await failed).message, "no room");
});

test("Duplex.toWeb() carries a stream to web streams and back", async (t) => {
  const { there, here } = await openPair(t, mix);
  const ours = await there.openStream();
  const { readable, writable } = Duplex.toWeb(ours);
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode("over the web"));
  const closing = writer.close();
  const theirs = await firstOf(here.streams());
  const through = new PassThrough();
  await Promise.all([pipeline(theirs, through, theirs), closing]);
  let echoed = "";
  for await (const chunk of readable) echoed += new TextDecoder().decode(chunk as Uint8Array);
  t.is(echoed, "over the web");
});

test("datagrams arrive as they were sent up to the size that is told, and larger ones are refused", async (t) => {
  const { there, here } = await openPair(t, mix);
  t.true(there.send(Uint8Array.of(1, 2, 3)));
  t.deepEqual([...(await firstOf(here.datagrams()))], [1, 2, 3]);
  const { datagramBytes } = there.stats();
  t.false(there.send(new Uint8Array(datagramBytes + 1)));
  t.true(there.send(new Uint8Array(datagramBytes)));
  t.is((await firstOf(here.datagrams())).length, datagramBytes);
});

test("datagrams beyond what is kept for a slow program are counted", async (t) => {
  const { there, here } = await openPair(t, mix);
  const datagram = new Uint8Array(there.stats().datagramBytes);
  for (let sent = 0; sent < 4000; ) {
    if (there.send(datagram)) sent++;
    else await new Promise(setImmediate);
  }
  while (here.stats().datagramsDropped === 0) {
    there.send(datagram);
    await new Promise(setImmediate);
  }
  t.pass();
});

test("streams that a peer opens and gives up are not kept for a program that did not fetch them", async (t) => {
  const { there, here } = await openPair(t, mix);
  const until = async (streams: number) => {
    while (here.stats().streams !== streams) await new Promise(setImmediate);
  };
  for (let round = 0; round < 3; round++) {
    const streams = await Promise.all(Array.from({ length: 50 }, () => there.openStream()));
    await until(streams.length);
    for (const stream of streams) stream.destroy();
    await until(0);
  }
  const last = await there.openStream();
  last.end("the only one");
  t.is(await text(await firstOf(here.streams())), "the only one");
});
