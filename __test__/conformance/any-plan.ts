/** Any plan, against packets built without a backend, and against the rows that arrive. */
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { ROW_FRAMES, ROW_STREAM, ROW_SYMBOLS, type SendPlan } from "../../src/backend/port.ts";
import { concat, toHex } from "../../src/base/bytes.ts";
import { runs } from "../support/runs.ts";
import { frames, patterned, planOf, type Row, type Span, Wire } from "./harness.ts";
import { packetsOfPlan, plaintextsOfPlan } from "./packets.ts";
import { type Mix, openPair, SEND_SLOT } from "./pair.ts";

export function anyPlanConformance(name: string, mix: Mix): void {
  const span = fc.record({
    kind: fc.constantFrom("frames", "stream", "symbols"),
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
    const { keys, from, to, path } = await openPair(t, mix);
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
      const expected = packetsOfPlan(keys, plan, tapped.firstPacket);
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
  each: { kind: Span["kind"]; chunks: number; stream: number; fin: boolean },
  packetBytes: number,
): Span {
  const { kind, stream, fin, chunks } = each;
  if (kind === "symbols") return symbolsOf(chunks, stream, packetBytes - 40);
  const length = Math.min(9_000, Math.floor(chunks * (packetBytes - 42)));
  if (kind === "stream") {
    return {
      kind,
      bytes: patterned(length, stream),
      stream,
      offset: length * 1_000,
      fin,
    };
  }
  return frames(...patterned(length % (packetBytes - 31)));
}

/** Often up to the last number that a block has. */
function symbolsOf(chunks: number, object: number, size: number): Span {
  const count = Math.max(1, Math.floor(Math.min(chunks, 9_000 / size)));
  const offset = 65_536 * (2 ** 31 + object) + (chunks > 10 ? 65_536 - count : 0);
  return { kind: "symbols", bytes: patterned(count * size, object), stream: object, offset };
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
    t.is(row.kind, head.kind);
    next += row.count;
    if (head.kind === ROW_FRAMES) continue;
    t.is(row.stream, head.stream);
    t.is(row.offset, head.offset);
    t.is(row.fin === 1, mine.at(-1)?.fin === true);
    t.true(mine.slice(0, -1).every(({ fin, bytes }) => !fin && bytes.length === head.bytes.length));
  }
  t.is(next, pieces.length);
}

interface Piece {
  readonly kind: number;
  readonly stream: number;
  readonly offset: number;
  readonly fin: boolean;
  readonly bytes: Uint8Array;
}

/** What each packet of a plan carries. */
function piecesOf(plan: SendPlan): readonly Piece[] {
  return plaintextsOfPlan(plan).map((plain) => {
    const header = Buffer.from(plain.subarray(0, 11));
    if (plain[0] === 0x14) {
      const [stream, offset] = [header.readUInt16BE(1), header.readUIntBE(3, 6)];
      return { kind: ROW_SYMBOLS, stream, offset, fin: false, bytes: plain.slice(9) };
    }
    const isStream = plain[0] === 0x10 || plain[0] === 0x11;
    if (!isStream) return { kind: ROW_FRAMES, stream: 0, offset: 0, fin: false, bytes: plain };
    const [stream, offset] = [header.readUInt32BE(1), header.readUIntBE(5, 6)];
    return { kind: ROW_STREAM, stream, offset, fin: plain[0] === 0x11, bytes: plain.slice(11) };
  });
}
