import { randomBytes } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import test from "ava";
import fc from "fast-check";
import { concat } from "../../src/base/bytes.ts";
import { receiveFiles } from "../../src/transfer/receive.ts";
import { RecordParser, type RecordShape } from "../../src/transfer/record-parser.ts";
import * as records from "../../src/transfer/records.ts";
import { KIND, RECORD, record } from "../../src/transfer/records.ts";
import { sendFiles } from "../../src/transfer/send.ts";
import { entry, fileRecord, ID, RawSender, unitRecord } from "./raw-sender.ts";
import { blake3, listing, memoryPair, noise, scratch } from "./support.ts";

const MIB = 1024 * 1024;
const RUNS = process.env.MP2P_SOAK === "1" ? 5000 : 150;
const LARGE = noise(2 * MIB + 9);

/** All that an honest sender says for one small and one large file, without waiting for answers. */
function honest(): Uint8Array {
  const offer = [
    entry({ path: "top", kind: KIND.folder, size: 0 }),
    entry({ path: "top/a" }),
    entry({ path: "top/b", size: 70 }),
  ];
  return concat(
    records.helloRecord(ID),
    ...offer.map(records.entryRecord),
    records.offeredRecord(3, 71),
  );
}

test("any bytes at all end in an error of the receiver's own, with nothing outside its folder", async (t) => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 4 });
  const start = honest();
  await fc.assert(
    fc.asyncProperty(
      changes,
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(),
      async (flips, tail, cut) => {
        const around = await scratch(t);
        await mkdir(join(around, "into"));
        const { sender, receiver, cut: close } = memoryPair();
        const receiving = receiveFiles(receiver, join(around, "into"));
        const raw = await RawSender.open(sender);
        const bytes = start.slice(0, flips.length === 0 ? cut % start.length : start.length);
        for (const [at, flip] of flips) {
          const place = at % bytes.length;
          bytes[place] = (bytes[place] as number) ^ flip;
        }
        raw.write(bytes, tail.length === 0 ? randomBytes(50) : tail);
        setImmediate(() => setImmediate(() => setImmediate(close)));
        await t.throwsAsync(receiving.done, { name: "Mp2pError" });
        t.deepEqual(await readdir(around), ["into"]);
      },
    ),
    { numRuns: RUNS },
  );
});

test("any answer at all ends in an error of the sender's own, or in success", async (t) => {
  const from = await scratch(t);
  await writeFile(join(from, "large"), LARGE);
  await writeFile(join(from, "small"), "small");
  const types = [...Object.values(RECORD), 0x7f];
  const anything = fc.array(
    fc.tuple(
      fc.constantFrom(...types),
      fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...likely())),
    ),
    { maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(anything, async (answers) => {
      const { sender, receiver, cut } = memoryPair();
      const sending = sendFiles(sender, [join(from, "large"), join(from, "small")]);
      const next = await receiver.streams("transfer/1")[Symbol.asyncIterator]().next();
      const stream = next.value as Duplex;
      stream.on("error", () => {}).resume();
      for (const [type, body] of answers) stream.write(record(type, body));
      setImmediate(() => setImmediate(() => setImmediate(cut)));
      const [outcome] = await Promise.allSettled([sending.done]);
      t.true(outcome.status === "fulfilled" || outcome.reason.name === "Mp2pError");
    }),
    { numRuns: RUNS },
  );
});

const ACCEPT = records.acceptRecord(0);
const ANSWERS = {
  "is done with files of which it said nothing": [ACCEPT, record(RECORD.go), record(RECORD.done)],
  "accepts twice": [ACCEPT, record(RECORD.go), ACCEPT],
};

for (const [label, answers] of Object.entries(ANSWERS)) {
  test(`a receiver that ${label} ends the transfer, and it counts as failed`, async (t) => {
    const from = await scratch(t);
    await writeFile(join(from, "small"), "small");
    const { sender, receiver } = memoryPair();
    const sending = sendFiles(sender, [join(from, "small")]);
    const next = await receiver.streams("transfer/1")[Symbol.asyncIterator]().next();
    const stream = next.value as Duplex;
    const parser = new RecordParser(
      {
        // What it says last comes when all was sent.
        record: (type) => void (type === RECORD.end && stream.write(answers.at(-1))),
        content: () => "discard",
        filled: () => {},
        malformed: (why) => t.fail(why),
      },
      new Map(Object.values(RECORD).map((type) => [type, { most: 100_000 }])),
    );
    stream.on("error", () => {}).on("data", (bytes: Buffer) => parser.push(bytes));
    stream.write(concat(...answers.slice(0, -1)));
    await t.throwsAsync(sending.done, { code: "MP2P_PROTOCOL" });
  });
}

/** Bodies that are well formed, if not always true. */
function likely(): Uint8Array[] {
  const hash = new Uint8Array(32);
  const bodies = [
    records.acceptRecord(0),
    records.acceptRecord(2 ** 50),
    records.haveRecord(0, 0, hash),
    records.haveRecord(0, 2, hash),
    records.haveRecord(0, 3, hash),
    records.haveRecord(9, 0, hash),
    records.resultRecord(0, "written", { code: "", why: "" }),
    records.resultRecord(1, "refused", { code: "MP2P_DISK_FULL", why: "full" }),
    records.resultRecord(7, "written", { code: "", why: "" }),
    records.confirmRecord(0, 0),
    records.confirmRecord(2 ** 52, 2 ** 52),
    records.abortRecord({ code: "NO_SUCH_CODE", why: "\u001b[2J" }),
  ];
  return bodies.map((bytes) => bytes.slice(records.RECORD_HEADER_BYTES));
}

const small = entry({ path: "small", size: 3 });
const large = entry({ path: "large", size: LARGE.length });
const THREE = Uint8Array.of(1, 2, 3);
const unit = (number: number) => LARGE.subarray(number * MIB, (number + 1) * MIB);

const NO_ROOT = records.finishRecord(1, new Uint8Array(32));
const GIVEN_UP = records.failRecord(1, { code: "", why: "" });

/** What a sender may not say once it may go on, and the code the receiver ends with. */
const BROKEN: readonly (readonly [string, readonly Uint8Array[]])[] = [
  ["content for an entry that was not offered", [fileRecord(2, THREE, blake3)]],
  ["content of the wrong length", [fileRecord(0, Uint8Array.of(1), blake3)]],
  ["a file twice", [fileRecord(0, THREE, blake3), fileRecord(0, THREE, blake3)]],
  ["a unit of a small file", [unitRecord(0, 0, THREE, blake3)]],
  ["a unit behind the end", [unitRecord(1, 3, THREE, blake3)]],
  ["a short unit", [unitRecord(1, 0, THREE, blake3)]],
  ["a unit twice", [unitRecord(1, 0, unit(0), blake3), unitRecord(1, 0, unit(0), blake3)]],
  ["a large file at once", [fileRecord(1, THREE, blake3)]],
  ["a root for a small file", [records.finishRecord(0, new Uint8Array(32))]],
  ["the root of a file twice", [concat(NO_ROOT, NO_ROOT)]],
  ["the root of a file and then gives it up", [concat(NO_ROOT, GIVEN_UP)]],
  ["a second offer", [records.helloRecord(ID)]],
  ["an answer", [record(RECORD.go)]],
  ["a type that does not exist", [record(0x70, THREE)]],
];

for (const [label, parts] of BROKEN) {
  test(`a sender that sends ${label} ends its transfer`, async (t) => {
    const into = await scratch(t);
    const { sender, receiver } = memoryPair();
    const receiving = receiveFiles(receiver, into);
    const raw = await RawSender.open(sender);
    raw.offer([small, large]);
    await raw.answer(RECORD.go);
    raw.write(...parts);
    await t.throwsAsync(receiving.done, { code: "MP2P_PROTOCOL" });
    await raw.answer(RECORD.abort);
    await raw.ended;
  });
}

test("content that does not match its hash is refused, and so is a root that is not the units'", async (t) => {
  const into = await scratch(t);
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into);
  const raw = await RawSender.open(sender);
  raw.offer([small, large, entry({ path: "good", size: 3 })]);
  await raw.answer(RECORD.go);
  const forged = fileRecord(0, THREE, blake3);
  forged[forged.length - 1] = 9;
  raw.write(forged, fileRecord(2, THREE, blake3));
  for (const number of [2, 0, 1]) raw.write(unitRecord(1, number, unit(number), blake3));
  raw.write(records.finishRecord(1, new Uint8Array(32)), record(RECORD.end));
  await receiving.done;
  t.deepEqual(raw.results().sort(), [
    "0 refused MP2P_INTEGRITY",
    "1 refused MP2P_INTEGRITY",
    "2 written ",
  ]);
  t.deepEqual(Object.keys(await listing(into)), ["good"]);
});

test("a file that was promised and never sent is named", async (t) => {
  const into = await scratch(t);
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into);
  const raw = await RawSender.open(sender);
  raw.offer([small, large]);
  await raw.answer(RECORD.go);
  raw.write(record(RECORD.end));
  const { failed } = await receiving.done;
  t.deepEqual(
    failed.map(({ name, code }) => `${name} ${code}`),
    ["small MP2P_PROTOCOL", "large MP2P_PROTOCOL"],
  );
});

test("a parser makes the same records of the same bytes, whatever their pieces", (t) => {
  const shapes = new Map<number, RecordShape>([
    [1, { most: 300 }],
    [2, { most: 4, content: 300 }],
  ]);
  const message = fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ minLength: 4, maxLength: 300 }));
  fc.assert(
    fc.property(
      fc.array(message),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 3 }),
      (messages, pieces, impatience) => {
        const bytes = concat(...messages.map(([type, body]) => record(type, body)));
        const seen: [number, Uint8Array][] = [];
        let content = new Uint8Array(0);
        let head = new Uint8Array(0);
        let asked = 0;
        const parser = new RecordParser(
          {
            record: (type, body) => void seen.push([type, body.slice()]),
            content: (_type, borrowed, length) => {
              if (++asked % impatience !== 0) return "wait";
              head = borrowed.slice();
              content = new Uint8Array(length);
              return content;
            },
            filled: () => void seen.push([2, concat(head, content)]),
            malformed: (why) => t.fail(why),
          },
          shapes,
        );
        let turn = 0;
        for (let at = 0; at < bytes.length; ) {
          const piece = pieces[turn++ % pieces.length] as number;
          parser.push(bytes.subarray(at, at + piece));
          at += piece;
          while (turn % 3 === 0 && parser.waiting) parser.resume();
        }
        while (parser.waiting) parser.resume();
        t.deepEqual(seen, messages as [number, Uint8Array][]);
        t.is(parser.taken, bytes.length);
        t.true(parser.between);
      },
    ),
  );
});
