import test from "ava";
import fc from "fast-check";
import { RangeSet } from "../../src/base/ranges.ts";
import { ACK_RANGES_MAX, type AckFrame, type FrameHandler } from "../../src/wire/frames.ts";
import { parseFrames } from "../../src/wire/frames-parse.ts";
import { FrameWriter } from "../../src/wire/frames-write.ts";

const RUNS = process.env.MP2P_SOAK === "1" ? 200_000 : 2000;
const CID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 250);

/** What a handler was told, in order, with bytes as arrays. */
function recorder(): { readonly calls: unknown[][]; readonly handler: FrameHandler } {
  const calls: unknown[][] = [];
  const handler = new Proxy({} as FrameHandler, {
    get:
      (_, name) =>
      (...args: unknown[]) => {
        calls.push([name, ...args.map((each) => plain(each))]);
      },
  });
  return { calls, handler };
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (typeof value !== "object" || value === null) return value;
  const { cidHigh, cidLow, delayUs, rangeCount, lowest, highest, congestionMarks } =
    value as AckFrame;
  const ranges = [...lowest.subarray(0, rangeCount)].map((low, index) => [low, highest[index]]);
  return { cidHigh, cidLow, delayUs, ranges, congestionMarks };
}

const u8 = fc.nat(255);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const u48 = fc.nat(2 ** 48 - 1);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const data = fc.uint8Array({ maxLength: 300 });

/** A frame as [handler method, arguments]; the writer has methods of the same names and arguments. */
const frame = fc.oneof(
  fc.tuple(fc.constant("ping")),
  fc.tuple(fc.constant("credit"), u48),
  fc.tuple(fc.constant("streamCredit"), u32, u48),
  fc.tuple(fc.constant("streams"), fc.nat(1), u32),
  fc.tuple(fc.constant("reset"), u32, u32, u48),
  fc.tuple(fc.constant("stop"), u32, u32),
  fc.tuple(fc.constant("pathChallenge"), bytes(8)),
  fc.tuple(fc.constant("pathResponse"), bytes(8), bytes(18)),
  fc.tuple(fc.constant("newCid"), u8, bytes(8)),
  fc.tuple(fc.constant("retire"), u8),
  fc.tuple(fc.constant("close"), u16, fc.uint8Array({ maxLength: 128 })),
  fc.tuple(fc.constant("stream"), u32, u48, data, fc.boolean()),
  fc.tuple(fc.constant("datagram"), data),
  fc.tuple(fc.constant("ackPolicy"), u16, u32),
);

test("frames come out as they went in, in order", (t) => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), (frames) => {
      const writer = new FrameWriter(new Uint8Array(4096));
      writer.begin(4096);
      for (const [name, ...args] of frames) {
        const write = (writer as unknown as Record<string, (...args: unknown[]) => boolean>)[name];
        t.true(write?.apply(writer, args), name);
      }
      const { calls, handler } = recorder();
      t.is(parseFrames(writer.bytes.subarray(0, writer.length), handler), undefined);
      t.deepEqual(
        calls,
        frames.map((each) => each.map((value) => plain(value))),
      );
    }),
    { numRuns: RUNS },
  );
});

test("an ACK names what was received, newest ranges first and at most as many as fit", (t) => {
  const gaps = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 70_000 }), fc.integer({ min: 1, max: 9 })),
    {
      minLength: 1,
      maxLength: 100,
    },
  );
  fc.assert(
    fc.property(gaps, fc.integer({ min: 30, max: 1400 }), fc.boolean(), (steps, room, marked) => {
      const received = new RangeSet();
      let at = 0;
      for (const [gap, length] of steps) {
        received.add(at + gap, at + gap + length);
        at += gap + length;
      }
      const writer = new FrameWriter(new Uint8Array(1500));
      writer.begin(room);
      if (!writer.ack(CID, received, 1234, marked ? [1, 2, 70] : undefined)) return;
      const { calls, handler } = recorder();
      t.is(parseFrames(writer.bytes.subarray(0, writer.length), handler), undefined);
      const [, ack] = calls[0] as [string, { ranges: number[][]; congestionMarks: number }];
      const expected = Array.from({ length: received.size }, (_, index) => {
        const newest = received.size - 1 - index;
        return [received.start(newest), received.end(newest) - 1];
      });
      t.true(ack.ranges.length <= ACK_RANGES_MAX + 1);
      t.deepEqual(ack.ranges, expected.slice(0, ack.ranges.length));
      t.is(ack.congestionMarks, marked ? 70 : 0);
      t.like(ack, { cidHigh: 0x0102_0304, cidLow: 0x0506_07fa, delayUs: 1234 });
    }),
    { numRuns: RUNS },
  );
});

test("a frame that does not fit is not begun", (t) => {
  fc.assert(
    fc.property(frame, fc.nat(40), ([name, ...args], room) => {
      const writer = new FrameWriter(new Uint8Array(room));
      writer.begin(room);
      const write = (writer as unknown as Record<string, (...args: unknown[]) => boolean>)[name];
      if (write?.apply(writer, args) === false) t.is(writer.length, 0);
      t.true(writer.length <= room);
    }),
    { numRuns: RUNS },
  );
});

test("hostile bytes never throw, and a cut frame is never acted upon", (t) => {
  const { handler } = recorder();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (hostile) => {
      t.notThrows(() => parseFrames(hostile, handler));
    }),
    { numRuns: RUNS },
  );
  fc.assert(
    fc.property(frame, fc.nat(), ([name, ...args], cut) => {
      const writer = new FrameWriter(new Uint8Array(1024));
      writer.begin(1024);
      (writer as unknown as Record<string, (...args: unknown[]) => boolean>)[name]?.apply(
        writer,
        args,
      );
      const whole = writer.bytes.subarray(0, writer.length);
      const { calls, handler: told } = recorder();
      const length = cut % whole.length;
      if (length === 0) return;
      t.is(parseFrames(whole.subarray(0, length), told), "malformed");
      t.deepEqual(calls, []);
    }),
    { numRuns: RUNS },
  );
});

test("of later versions' frames odd ones are skipped and even ones refused", (t) => {
  const writer = new FrameWriter(new Uint8Array(64));
  writer.begin(64);
  writer.extension(0x41, Uint8Array.of(1, 2, 3));
  writer.ping();
  const { calls, handler } = recorder();
  t.is(parseFrames(writer.bytes.subarray(0, writer.length), handler), undefined);
  t.deepEqual(calls, [["extension", 0x41], ["ping"]]);

  for (const type of [0x07, 0x0f, 0x14, 0x18, 0x3f, 0x40, 0x42, 0xfe]) {
    t.is(parseFrames(Uint8Array.of(type, 0, 0), handler), "unknown", `type ${type}`);
  }
});

test("padding ends a packet, and a bulk frame takes the rest of it", (t) => {
  const { calls, handler } = recorder();
  t.is(parseFrames(Uint8Array.of(0x01, 0x00, 0xff, 0xff), handler), undefined);
  const bulk = Uint8Array.of(0x11, 0, 0, 0, 4, 0, 0, 0, 0, 1, 0, 9, 8, 7);
  t.is(parseFrames(bulk, handler), undefined);
  t.deepEqual(calls, [["ping"], ["stream", 4, 256, [9, 8, 7], true]]);
});
