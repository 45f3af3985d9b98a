import { readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import { concat, fromHex, toHex } from "../../src/base/bytes.ts";
import * as hashes from "../../src/transfer/hashes.ts";
import * as records from "../../src/transfer/records.ts";
import { KIND, RECORD } from "../../src/transfer/records.ts";
import { entry, fileRecord, unitRecord } from "./raw-sender.ts";
import { blake3 } from "./support.ts";

const vectors = JSON.parse(readFileSync("__test__/vectors/transfer.json", "utf8")) as {
  hashes: Record<
    "root" | "emptyRoot" | "abcRoot" | "transferId" | "inboxName" | "partName",
    string
  > & {
    unitHashes: [string, string];
  };
  records: Record<string, string>;
};

const CONTENT = Uint8Array.from({ length: hashes.UNIT_BYTES + 3 }, (_, at) => at % 251);
const KEY = Uint8Array.from({ length: 32 }, (_, at) => at);
const ID = Uint8Array.from({ length: 16 }, (_, at) => 0xa0 + at);
const ABC = Uint8Array.of(97, 98, 99);
const UNITS = [0, 1].map((unit) => {
  const from = unit * hashes.UNIT_BYTES;
  return CONTENT.subarray(from, from + hashes.unitLength(CONTENT.length, unit));
}) as [Uint8Array, Uint8Array];

test("hashes are the frozen ones", (t) => {
  const { unitHashes, root, emptyRoot, abcRoot, transferId, inboxName, partName } = vectors.hashes;
  const units = UNITS.map(blake3);
  t.deepEqual(units.map(toHex), unitHashes);
  t.is(toHex(hashes.fileRoot(blake3, CONTENT.length, concat(...units))), root);
  t.is(toHex(hashes.fileRoot(blake3, 0, new Uint8Array(0))), emptyRoot);
  t.is(toHex(hashes.fileRoot(blake3, 3, blake3(ABC))), abcRoot);
  const paths = ["/home/a/photos", "/home/a/b.txt"];
  t.is(toHex(hashes.deriveTransferId(blake3, KEY, paths)), transferId);
  t.is(hashes.inboxName(blake3, KEY, ID), inboxName);
  t.is(hashes.partName(blake3, "photos/\u00fc.jpg"), partName);
});

test("records are the frozen bytes", (t) => {
  const unitHash = (at: 0 | 1) => fromHex(vectors.hashes.unitHashes[at]) as Uint8Array;
  const root = fromHex(vectors.hashes.root) as Uint8Array;
  const file = {
    path: "photos/\u00fc.jpg",
    mode: 0o640,
    mtimeNs: 1_700_000_000_123_456_789n,
    size: CONTENT.length,
  };
  const folder = { path: "photos", kind: KIND.folder, mode: 0o755, mtimeNs: -1n, size: 0 };
  const link = { path: "photos/last", kind: KIND.link, mode: 0o777, mtimeNs: 0n, size: 0 };
  const made: Record<string, Uint8Array> = {
    hello: records.helloRecord(ID),
    "file entry": records.entryRecord(entry(file)),
    "folder entry before 1970": records.entryRecord(entry(folder)),
    "link entry": records.entryRecord(entry({ ...link, target: "\u00fc.jpg" })),
    offered: records.offeredRecord(3, CONTENT.length),
    "file abc as entry 2": fileRecord(2, ABC, blake3),
    "last unit of entry 0": unitRecord(0, 1, UNITS[1], blake3),
    finish: records.finishRecord(0, root),
    fail: records.failRecord(0, {
      code: "MP2P_SOURCE_CHANGED",
      why: "source changed while sent: \u00fc",
    }),
    end: records.record(RECORD.end),
    abort: records.abortRecord({ code: "MP2P_REFUSED", why: "no" }),
    accept: records.acceptRecord(hashes.UNIT_BYTES),
    have: records.haveRecord(0, 0, unitHash(0)),
    "result written": records.resultRecord(2, "written", { code: "", why: "" }),
    "result refused": records.resultRecord(1, "refused", { code: "MP2P_NAME", why: "because" }),
    "result kept": records.resultRecord(7, "kept", { code: "", why: "" }),
    go: records.record(RECORD.go),
    confirm: records.confirmRecord(hashes.UNIT_BYTES, 1_048_700),
    done: records.record(RECORD.done),
  };
  for (const [name, bytes] of Object.entries(made))
    t.is(toHex(bytes), vectors.records[name] ?? "", name);
  t.is(Object.keys(made).length, Object.keys(vectors.records).length);
});

test("an entry survives its record", (t) => {
  const kinds = fc.constantFrom(...Object.values(KIND));
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 });
  const mtime = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(kinds, text, text, mtime, fc.maxSafeNat(), (kind, path, target, mtimeNs, size) => {
      const one = entry({
        kind,
        path,
        mtimeNs,
        size: kind === KIND.file ? size : 0,
        target: kind === KIND.link ? target : undefined,
      });
      const body = records.entryRecord(one).subarray(records.RECORD_HEADER_BYTES);
      t.deepEqual(records.readEntry(body), one);
    }),
  );
});

test("readers return undefined, and never throw, for bodies that are not as the table says", (t) => {
  const readers = Object.entries(records)
    .filter(([name]) => /^read(?!ContentHead)/.test(name))
    .map(([, read]) => read as (body: Uint8Array) => unknown);
  t.is(readers.length, 10);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (body) => {
      for (const read of readers) read(body);
    }),
  );
  for (const read of readers) t.is(read(new Uint8Array(0)), undefined);
});

test("a reason is cut to what its record may hold, between characters", (t) => {
  for (const why of ["\u20ac".repeat(1000), "x".repeat(5000), "\u{1f600}".repeat(600)]) {
    const bytes = records.failRecord(0, { code: "MP2P_NAME", why });
    t.true(bytes.length <= 2048 + records.RECORD_HEADER_BYTES);
    const read = records.readFail(bytes.subarray(records.RECORD_HEADER_BYTES));
    t.true(why.startsWith(read?.reason.why ?? "-"));
    t.true((read?.reason.why.length ?? 0) > 300);
  }
});
