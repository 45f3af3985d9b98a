import test from "ava";
import fc from "fast-check";
import { BatchBuilder, MOST_PLAIN_ROWS } from "../../src/backend/fallback/batch-builder.ts";
import { ROW, ROW_STREAM, ROW_SYMBOLS } from "../../src/backend/port.ts";
import { patterned } from "../conformance/harness.ts";
import { runs } from "../support/runs.ts";

interface Packet {
  readonly slot: number;
  readonly packet: number;
  readonly path: number;
  readonly stream: number;
  readonly offset: number;
  readonly fin: boolean;
  readonly payload: Uint8Array;
  readonly group?: number;
  readonly kind?: typeof ROW_STREAM | typeof ROW_SYMBOLS;
}

function add(batch: BatchBuilder, each: Packet, time = 0): void {
  const { slot, packet, path } = each;
  batch.addBulk(
    { slot, packet, path, time, group: each.group ?? 0 },
    { kind: ROW_STREAM, ...each },
  );
}

function column(
  batch: BatchBuilder,
  row: number,
  name: Exclude<keyof typeof ROW, "STRIDE">,
): number {
  return batch.rows[row * ROW.STRIDE + ROW[name]] as number;
}

/** A run of packets 10, 11, 12 of stream 3, 100 bytes each from offset 1,000. */
function run(index: number, change: Partial<Packet> = {}): Packet {
  const [packet, offset] = [10 + index, 1_000 + 100 * index];
  return {
    slot: 1,
    packet,
    path: 7,
    stream: 3,
    offset,
    fin: false,
    payload: patterned(100, index),
    ...change,
  };
}

test("consecutive packets of one stream are one row with their bytes side by side", (t) => {
  const batch = new BatchBuilder();
  for (const index of [0, 1, 2]) add(batch, run(index), 50 + index);
  t.is(batch.rowCount, 1);
  t.is(column(batch, 0, "packet"), 10);
  t.is(column(batch, 0, "count"), 3);
  t.is(column(batch, 0, "offset"), 1_000);
  t.is(column(batch, 0, "time"), 52);
  const expected = Buffer.concat([patterned(100, 0), patterned(100, 1), patterned(100, 2)]);
  t.deepEqual(Buffer.from(batch.slab.subarray(0, 300)), expected);
});

const BREAKS: Readonly<Record<string, Partial<Packet>>> = {
  "another slot": { slot: 2 },
  "another path": { path: 8 },
  "another stream": { stream: 4 },
  "another group": { group: 3 },
  "a symbol": { kind: ROW_SYMBOLS },
  "a missing packet number": { packet: 12 },
  "a gap in the stream": { offset: 1_101 },
  "a longer packet": { payload: patterned(101) },
};

for (const [label, change] of Object.entries(BREAKS)) {
  test(`a run ends before ${label}`, (t) => {
    const batch = new BatchBuilder();
    add(batch, run(0));
    add(batch, run(1, change));
    t.is(batch.rowCount, 2);
  });
}

test("a shorter packet or a FIN closes a run and never stands inside one", (t) => {
  for (const last of [{ payload: patterned(99) }, { fin: true }]) {
    const batch = new BatchBuilder();
    add(batch, run(0));
    add(batch, run(1, last));
    add(batch, run(2, { offset: 1_100 + (last.payload?.length ?? 100) }));
    t.is(batch.rowCount, 2);
    t.is(column(batch, 0, "count"), 2);
    t.is(column(batch, 0, "fin"), last.fin === true ? 1 : 0);
    t.is(column(batch, 1, "fin"), 0);
  }
});

test("symbols of one block that follow each other are one row; a gap, another block or size begins anew", (t) => {
  const symbol = (index: number, change: Partial<Packet> = {}) =>
    run(index, { kind: ROW_SYMBOLS, offset: 7 * 65_536 + index, ...change });
  const batch = new BatchBuilder();
  for (const index of [0, 1, 2]) add(batch, symbol(index));
  t.is(batch.rowCount, 1);
  t.is(column(batch, 0, "kind"), ROW_SYMBOLS);
  t.is(column(batch, 0, "offset"), 7 * 65_536);
  t.is(column(batch, 0, "length"), 300);
  const ends = {
    gap: symbol(3, { offset: 7 * 65_536 + 4 }),
    short: symbol(3, { payload: patterned(98) }),
    stream: run(3, { offset: 7 * 65_536 + 3 }),
  };
  for (const [label, end] of Object.entries(ends)) {
    add(batch, symbol(2));
    const rows = batch.rowCount;
    add(batch, end);
    t.is(batch.rowCount, rows + 1, label);
  }
  add(batch, symbol(4, { offset: 7 * 65_536 + 65_535 }));
  add(batch, symbol(5, { offset: 8 * 65_536 }));
  t.is(column(batch, batch.rowCount - 1, "count"), 1, "the first symbol of the next block");
});

test("control frames and plain datagrams break a run, and a batch cleared begins anew", (t) => {
  const batch = new BatchBuilder();
  add(batch, run(0));
  batch.addFrames({ slot: 1, packet: 11, path: 7, time: 0, group: 0 }, Uint8Array.of(1));
  add(batch, run(2, { packet: 12, offset: 1_100 }));
  t.is(batch.rowCount, 3);
  batch.clear();
  add(batch, run(1));
  t.is(batch.rowCount, 1);
  t.is(column(batch, 0, "at"), 0);
});

test("256 plain datagrams fit a batch; sealed ones do not count", (t) => {
  const batch = new BatchBuilder();
  for (let row = 0; row < MOST_PLAIN_ROWS; row++) t.true(batch.addPlain(1, 0, 0, patterned(384)));
  t.false(batch.addPlain(1, 0, 0, patterned(384)));
  add(batch, run(0));
  t.is(batch.rowCount, MOST_PLAIN_ROWS + 1);
  batch.clear();
  t.true(batch.addPlain(1, 0, 0, patterned(384)));
});

test("each stranger has one number a batch", (t) => {
  const batch = new BatchBuilder();
  t.deepEqual(
    ["a", "b", "a"].map((address) => batch.stranger(address)),
    [-1, -2, -1],
  );
  t.deepEqual(batch.strangers, ["a", "b"]);
});

test("whatever arrives, the rows hold every packet once, in order, with its bytes", (t) => {
  const piece = fc.record({
    slot: fc.integer({ min: 1, max: 2 }),
    step: fc.constantFrom(1, 1, 1, 1, 2),
    length: fc.constantFrom(0, 1, 900, 1_400, 1_400, 1_400),
    gap: fc.constantFrom(0, 0, 0, 0, 9),
    fin: fc.constantFrom(false, false, false, true),
  });
  const property = fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
    const batch = new BatchBuilder();
    const packets: Packet[] = [];
    let [packet, offset] = [0, 0];
    for (const { slot, step, length, gap, fin } of pieces) {
      packet += step;
      offset += gap;
      packets.push({
        slot,
        packet,
        path: 1,
        stream: 1,
        offset,
        fin,
        payload: patterned(length, packet),
      });
      offset += length;
    }
    for (const each of packets) add(batch, each);
    const unpacked = [];
    for (let row = 0, at = 0; row < batch.rowCount; row++) {
      t.is(column(batch, row, "kind"), ROW_STREAM);
      t.is(column(batch, row, "at"), at);
      const mine = packets.slice(unpacked.length, unpacked.length + column(batch, row, "count"));
      const bytes = Buffer.concat(mine.map(({ payload }) => payload));
      t.deepEqual(Buffer.from(batch.slab.subarray(at, at + column(batch, row, "length"))), bytes);
      t.is(column(batch, row, "offset"), (mine[0] as Packet).offset);
      t.is(column(batch, row, "packet"), (mine[0] as Packet).packet);
      t.true(
        mine
          .slice(0, -1)
          .every(({ payload, fin }) => !fin && payload.length === mine[0]?.payload.length),
      );
      unpacked.push(...mine);
      at += bytes.length;
    }
    t.is(unpacked.length, packets.length);
  });
  fc.assert(property, { numRuns: runs(100) });
});
