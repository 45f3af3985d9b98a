/** Sealed bursts from one backend to another arrive as rows of joined runs, whoever sends. */
import test, { type ExecutionContext } from "ava";
import { ROW_FRAMES, ROW_STREAM, ROW_SYMBOLS } from "../../src/backend/port.ts";
import { concat } from "../../src/base/bytes.ts";
import { frames, patterned, planOf, type Row, type Span } from "./harness.ts";
import { type Mix, openPair, RECEIVE_SLOT, SEND_SLOT } from "./pair.ts";

export function exchangeConformance(name: string, mix: Mix): void {
  test(`${name}: control, two streams and a FIN arrive in order with consecutive numbers`, async (t) => {
    const { from, to, path } = await openPair(t, mix);
    const [first, second] = [patterned(5_000, 1), patterned(3_000, 2)];
    const plan = planOf([
      frames(7, 7),
      { kind: "stream", bytes: first, stream: 5, offset: 2 ** 40, fin: true },
      { kind: "stream", bytes: second, stream: 4_294_967_295, offset: 0 },
    ]);
    const { firstPacket, packets, tooBig } = from.socket.sendSealed(SEND_SLOT, path, plan);
    t.deepEqual({ firstPacket, packets, tooBig }, { firstPacket: 0, packets: 9, tooBig: 0 });

    await to.recorder.untilPackets(9);
    const { rows } = to.recorder;
    t.deepEqual(
      rows.flatMap((row) => Array.from({ length: row.count }, (_, at) => row.packet + at)),
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
    t.true(rows.every((row) => row.slot === RECEIVE_SLOT));
    t.is(rows[0]?.kind, ROW_FRAMES);
    t.deepEqual(rows[0]?.bytes, Uint8Array.of(1, 7, 7));
    checkStream(t, rows, { stream: 5, offset: 2 ** 40, bytes: first, fin: true }, 1_158);
    checkStream(t, rows, { stream: 4_294_967_295, offset: 0, bytes: second, fin: false }, 1_158);
  });

  test(`${name}: the symbols of a block arrive as they follow each other, and never across blocks`, async (t) => {
    const { from, to, path } = await openPair(t, mix);
    const block = patterned(5 * 160, 4);
    const plan = planOf(
      [
        { kind: "symbols", bytes: block, stream: 65_535, offset: 2 ** 48 - 5 },
        { kind: "symbols", bytes: block, stream: 2, offset: 65_536 - 5 },
        { kind: "symbols", bytes: block, stream: 2, offset: 65_536 },
      ],
      200,
    );
    t.is(from.socket.sendSealed(SEND_SLOT, path, plan).packets, 15);
    await to.recorder.untilPackets(15);
    const { rows } = to.recorder;
    t.true(rows.every((row) => row.kind === ROW_SYMBOLS && row.fin === 0 && row.group === 0));
    t.deepEqual(
      rows.flatMap((row) => Array.from({ length: row.count }, (_, at) => row.packet + at)),
      Array.from({ length: 15 }, (_, at) => at),
    );
    for (const [stream, offset] of [
      [65_535, 2 ** 48 - 5],
      [2, 65_531],
      [2, 65_536],
    ] as const) {
      const mine = rows.filter(
        (row) => row.stream === stream && row.offset >= offset && row.offset < offset + 5,
      );
      t.deepEqual(concat(...mine.map((row) => row.bytes)), block);
      t.true(mine.every((row) => row.bytes.length === row.count * 160));
      t.deepEqual(
        mine.flatMap((row) => Array.from({ length: row.count }, (_, at) => row.offset + at)),
        Array.from({ length: 5 }, (_, at) => offset + at),
      );
    }
  });

  test(`${name}: a bare FIN is a packet of its own`, async (t) => {
    const { from, to, path } = await openPair(t, mix);
    const bare: Span = { kind: "stream", bytes: patterned(0), stream: 8, offset: 77, fin: true };
    t.is(from.socket.sendSealed(SEND_SLOT, path, planOf([bare])).packets, 1);
    await to.recorder.untilPackets(1);
    const [row] = to.recorder.rows;
    t.like(row, { kind: ROW_STREAM, stream: 8, offset: 77, fin: 1, count: 1 });
    t.is(row?.bytes.length, 0);
  });

  test(`${name}: skipped packet numbers are never sent`, async (t) => {
    const { from, to, path } = await openPair(t, mix);
    from.socket.sendSealed(SEND_SLOT, path, planOf([frames()]));
    t.is(from.socket.sendSealed(SEND_SLOT, path, planOf([frames()], 1_200, 41)).firstPacket, 42);
    await to.recorder.untilPackets(2);
    t.deepEqual(
      to.recorder.rows.map((row) => row.packet),
      [0, 42],
    );
  });

  test(`${name}: a known source has its path's id, another is named in full`, async (t) => {
    const { from, to, path } = await openPair(t, mix);
    from.socket.sendSealed(SEND_SLOT, path, planOf([frames()]));
    await to.recorder.untilPackets(1);
    const known = to.socket.addPath(from.address);
    from.socket.sendSealed(SEND_SLOT, path, planOf([frames()]));
    await to.recorder.untilPackets(2);
    const [stranger, friend] = to.recorder.rows;
    t.is(stranger?.stranger, from.address);
    t.is(friend?.path, known);
  });

  test(`${name}: rows carry the receiving socket's time`, async (t) => {
    const { from, to, path } = await openPair(t, mix);
    const before = to.socket.now();
    from.socket.sendSealed(SEND_SLOT, path, planOf([frames()]));
    await to.recorder.untilPackets(1);
    const time = to.recorder.rows[0]?.time as number;
    t.true(before <= time && time <= to.socket.now());
  });
}

interface Expected {
  readonly stream: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly fin: boolean;
}

/** However the packets were batched, the rows of one stream hold its bytes in runs of whole chunks. */
function checkStream(
  t: ExecutionContext,
  rows: readonly Row[],
  expected: Expected,
  chunk: number,
): void {
  const mine = rows.filter((row) => row.kind === ROW_STREAM && row.stream === expected.stream);
  t.deepEqual(concat(...mine.map((row) => row.bytes)), expected.bytes);
  let offset = expected.offset;
  for (const [index, row] of mine.entries()) {
    const isLast = index === mine.length - 1;
    t.is(row.offset, offset);
    t.is(row.fin === 1, isLast && expected.fin);
    t.is(row.count, Math.ceil(row.bytes.length / chunk));
    if (!isLast) t.is(row.bytes.length % chunk, 0);
    offset += row.bytes.length;
  }
}
