/** Sealed bursts from one backend to another: the same bytes, the same rows, whoever sends. */
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { ROW_FRAMES, ROW_STREAM, type SendPlan } from "../../src/backend/port.ts";
import { concat, toHex } from "../../src/base/bytes.ts";
import { runs } from "../support/runs.ts";
import {
  frames,
  keysOf,
  type Load,
  type Opened,
  open,
  patterned,
  planOf,
  type Row,
  type Span,
  Wire,
} from "./harness.ts";
import { packet, packetsOfPlan, plaintextsOfPlan } from "./packets.ts";
import { flipped } from "./primitives.ts";

const KEYS = keysOf(1, 3);
const SEND_SLOT = 4;
const RECEIVE_SLOT = 9;

interface Pair {
  readonly from: Opened;
  readonly to: Opened;
  readonly path: number;
}

async function openPair(t: ExecutionContext, loadFrom: Load, loadTo: Load): Promise<Pair> {
  const [from, to] = [await open(t, loadFrom), await open(t, loadTo)];
  from.socket.installSend(SEND_SLOT, KEYS);
  to.socket.installReceive(RECEIVE_SLOT, KEYS);
  return { from, to, path: from.socket.addPath(to.address) };
}

export function exchangeConformance(name: string, loadFrom: Load, loadTo: Load): void {
  bursts(name, loadFrom, loadTo);
  properties(name, loadFrom, loadTo);
  hostile(name, loadFrom, loadTo);
}

function bursts(name: string, loadFrom: Load, loadTo: Load): void {
  test(`${name}: control, two streams and a FIN arrive in order with consecutive numbers`, async (t) => {
    const { from, to, path } = await openPair(t, loadFrom, loadTo);
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

  test(`${name}: a bare FIN is a packet of its own`, async (t) => {
    const { from, to, path } = await openPair(t, loadFrom, loadTo);
    const bare: Span = { kind: "stream", bytes: patterned(0), stream: 8, offset: 77, fin: true };
    t.is(from.socket.sendSealed(SEND_SLOT, path, planOf([bare])).packets, 1);
    await to.recorder.untilPackets(1);
    const [row] = to.recorder.rows;
    t.like(row, { kind: ROW_STREAM, stream: 8, offset: 77, fin: 1, count: 1 });
    t.is(row?.bytes.length, 0);
  });

  test(`${name}: skipped packet numbers are never sent`, async (t) => {
    const { from, to, path } = await openPair(t, loadFrom, loadTo);
    from.socket.sendSealed(SEND_SLOT, path, planOf([frames()]));
    t.is(from.socket.sendSealed(SEND_SLOT, path, planOf([frames()], 1_200, 41)).firstPacket, 42);
    await to.recorder.untilPackets(2);
    t.deepEqual(
      to.recorder.rows.map((row) => row.packet),
      [0, 42],
    );
  });

  test(`${name}: a known source has its path's id, another is named in full`, async (t) => {
    const { from, to, path } = await openPair(t, loadFrom, loadTo);
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
    const { from, to, path } = await openPair(t, loadFrom, loadTo);
    const before = to.socket.now();
    from.socket.sendSealed(SEND_SLOT, path, planOf([frames()]));
    await to.recorder.untilPackets(1);
    const time = to.recorder.rows[0]?.time as number;
    t.true(before <= time && time <= to.socket.now());
  });
}

function properties(name: string, loadFrom: Load, loadTo: Load): void {
  const span = fc.record({
    isStream: fc.boolean(),
    chunks: fc.double({ min: 0, max: 20, noNaN: true }),
    stream: fc.nat({ max: 3 }),
    fin: fc.boolean(),
  });
  const plans = fc.record({
    spans: fc.array(span, { minLength: 1, maxLength: 6 }),
    packetBytes: fc.integer({ min: 80, max: 8_972 }),
    skip: fc.nat({ max: 5 }),
  });

  test(`${name}: any plan is on the wire as the protocol says, and arrives as it was`, async (t) => {
    const { from, to, path } = await openPair(t, loadFrom, loadTo);
    const wire = await Wire.bind(t);
    const tap = from.socket.addPath(wire.address);
    let nextPacket = 0;
    const property = fc.asyncProperty(plans, async ({ spans, packetBytes, skip }) => {
      const plan = planOf(
        spans.map((each) => spanOf(each, packetBytes)),
        packetBytes,
        skip,
      );
      const seen = wire.received.length;
      const tapped = { ...from.socket.sendSealed(SEND_SLOT, tap, plan) };
      t.is(tapped.firstPacket, nextPacket + skip);
      const expected = packetsOfPlan(KEYS, plan, tapped.firstPacket);
      t.is(tapped.packets, expected.length);
      const onWire = (await wire.until(seen + expected.length)).slice(seen);
      t.deepEqual(onWire.map(toHex), expected.map(toHex));

      to.recorder.rows.length = 0;
      const sent = { ...from.socket.sendSealed(SEND_SLOT, path, plan) };
      nextPacket = sent.firstPacket + sent.packets;
      await to.recorder.untilPackets(expected.length);
      checkRows(t, to.recorder.rows, plan, sent.firstPacket);
    });
    await fc.assert(property, { numRuns: runs(25) });
  });
}

/** At most 20 packets and 9,000 bytes a span, so that no kernel's receive buffer overflows. */
function spanOf(
  each: { isStream: boolean; chunks: number; stream: number; fin: boolean },
  packetBytes: number,
): Span {
  const { stream, fin, chunks } = each;
  const length = Math.min(9_000, Math.floor(chunks * (packetBytes - 42)));
  if (each.isStream) {
    return {
      kind: "stream",
      bytes: patterned(length, stream),
      stream,
      offset: length * 1_000,
      fin,
    };
  }
  return frames(...patterned(length % (packetBytes - 31)));
}

/** Each row must hold exactly the bytes of the packets it claims, a run's all equally long but the last. */
function checkRows(t: ExecutionContext, rows: readonly Row[], plan: SendPlan, first: number): void {
  const pieces = piecesOf(plan);
  let next = 0;
  for (const row of rows) {
    const mine = pieces.slice(next, next + row.count);
    const [head] = mine as [Piece];
    t.is(row.packet, first + next);
    t.deepEqual(row.bytes, concat(...mine.map((piece) => piece.bytes)));
    t.is(row.kind, head.isStream ? ROW_STREAM : ROW_FRAMES);
    next += row.count;
    if (!head.isStream) continue;
    t.is(row.stream, head.stream);
    t.is(row.offset, head.offset);
    t.is(row.fin === 1, mine.at(-1)?.fin === true);
    t.true(mine.slice(0, -1).every(({ fin, bytes }) => !fin && bytes.length === head.bytes.length));
  }
  t.is(next, pieces.length);
}

interface Piece {
  readonly isStream: boolean;
  readonly stream: number;
  readonly offset: number;
  readonly fin: boolean;
  readonly bytes: Uint8Array;
}

/** What each packet of a plan carries. */
function piecesOf(plan: SendPlan): readonly Piece[] {
  return plaintextsOfPlan(plan).map((plain) => {
    const isStream = plain[0] === 0x10 || plain[0] === 0x11;
    if (!isStream) return { isStream, stream: 0, offset: 0, fin: false, bytes: plain };
    const header = Buffer.from(plain.subarray(0, 11));
    const [stream, offset] = [header.readUInt32BE(1), header.readUIntBE(5, 6)];
    return { isStream, stream, offset, fin: plain[0] === 0x11, bytes: plain.slice(11) };
  });
}

function hostile(name: string, loadFrom: Load, loadTo: Load): void {
  test(`${name}: a packet with one changed byte is refused, and leaves no mark`, async (t) => {
    const { from, to } = await openPair(t, loadFrom, loadTo);
    const sealed = await captured(t, from, planOf([frames(1, 2, 3, 4, 5, 6, 7, 8)]));
    const wire = await Wire.bind(t);
    for (let at = 0; at < sealed.length; at++) {
      await wire.send(flipped(sealed, at * 8 + (at % 8)), to.address);
    }
    await wire.send(sealed, to.address);
    await to.recorder.untilPackets(1);
    const counters = to.socket.counters();
    t.is(to.recorder.packets, 1);
    t.is(counters.droppedMalformed, 1, "the type byte");
    t.is(counters.droppedUnknown, 8, "the connection id");
    t.is(counters.droppedForged, sealed.length - 9, "packet number, ciphertext and tag");
    t.is(counters.packetsReceived, sealed.length + 1);
  });

  test(`${name}: a replayed packet is refused`, async (t) => {
    const { from, to } = await openPair(t, loadFrom, loadTo);
    const sealed = await captured(t, from, planOf([frames()]));
    const wire = await Wire.bind(t);
    await wire.send(sealed, to.address);
    await wire.send(sealed, to.address);
    await wire.send(packet(KEYS, 500, Uint8Array.of(1)), to.address);
    await wire.send(packet(KEYS, 70_000, Uint8Array.of(1)), to.address);
    await wire.send(packet(KEYS, 70_000 - 65_472, Uint8Array.of(1)), to.address);
    await wire.send(packet(KEYS, 70_000 - 65_471, Uint8Array.of(1)), to.address);
    await to.recorder.untilPackets(4);
    t.deepEqual(
      to.recorder.rows.map((row) => row.packet),
      [0, 500, 70_000, 4_529],
    );
    t.is(to.socket.counters().droppedReplayed, 2);
  });

  test(`${name}: lost and reordered packets split a run and lose no byte`, async (t) => {
    const { from, to } = await openPair(t, loadFrom, loadTo);
    const data = patterned(10 * 158);
    const plan = planOf([{ kind: "stream", bytes: data, stream: 2, offset: 0, fin: true }], 200);
    const sealed = await capturedAll(t, from, plan, 10);
    const wire = await Wire.bind(t);
    for (const index of [0, 1, 3, 4, 2, 7, 8, 9, 5]) {
      await wire.send(sealed[index] as Buffer, to.address);
    }
    await to.recorder.untilPackets(9);
    for (const row of to.recorder.rows) {
      t.is(row.offset, row.packet * 158);
      t.deepEqual(row.bytes, data.slice(row.offset, row.offset + row.count * 158));
      t.is(row.fin === 1, row.packet + row.count === 10);
    }
  });

  test(`${name}: a packet for an unknown or removed connection id is dropped and counted`, async (t) => {
    const { from, to, path } = await openPair(t, loadFrom, loadTo);
    from.socket.installSend(5, keysOf(2));
    from.socket.sendSealed(5, path, planOf([frames(1)]));
    from.socket.sendSealed(SEND_SLOT, path, planOf([frames(2)]));
    await to.recorder.untilPackets(1);
    t.deepEqual(to.recorder.rows[0]?.bytes, Uint8Array.of(1, 2));
    t.is(to.socket.counters().droppedUnknown, 1);

    to.socket.removeReceive(RECEIVE_SLOT);
    to.socket.installReceive(RECEIVE_SLOT + 1, keysOf(2));
    from.socket.sendSealed(SEND_SLOT, path, planOf([frames(3)]));
    from.socket.sendSealed(5, path, planOf([frames(4)]));
    await to.recorder.untilPackets(2);
    t.is(to.recorder.rows[1]?.slot, RECEIVE_SLOT + 1);
    t.is(to.socket.counters().droppedUnknown, 2);
  });
}

async function captured(t: ExecutionContext, from: Opened, plan: SendPlan): Promise<Buffer> {
  return (await capturedAll(t, from, plan, 1))[0] as Buffer;
}

async function capturedAll(
  t: ExecutionContext,
  from: Opened,
  plan: SendPlan,
  packets: number,
): Promise<readonly Buffer[]> {
  const wire = await Wire.bind(t);
  from.socket.sendSealed(SEND_SLOT, from.socket.addPath(wire.address), plan);
  return await wire.until(packets);
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
