import fs from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { FinishedJournal, parseFinished } from "../../src/transfer/finished-journal.ts";
import { sendFiles } from "../../src/transfer/send.ts";
import { parseUnitRows, readUnitRows, UnitJournal } from "../../src/transfer/unit-journal.ts";
import { blake3, memoryPair, patch, scratch } from "./support.ts";

type Done = (error: Error | null, written?: number) => void;

const BOOT = new Uint8Array(16).fill(5);
const STAMP = { boot: BOOT, dev: 1n, ino: 2n ** 60n, size: 9n << 20n, mtimeNs: -3n, ctimeNs: 4n };
const hash = (unit: number) => blake3(Uint8Array.of(unit));

test("of a journal cut anywhere, every whole row counts and no other", async (t) => {
  const path = join(await scratch(t), "units");
  const journal = await UnitJournal.create(path, STAMP);
  for (const unit of [3, 0, 7, 1]) await journal.claim(unit, hash(unit));
  await journal.close();
  const bytes = new Uint8Array(await readFile(path));
  t.is(bytes.length, 68 + 4 * 40);
  for (let length = 0; length <= bytes.length; length++) {
    const rows = parseUnitRows(bytes.subarray(0, length));
    if (length < 68) t.is(rows, undefined);
    else t.deepEqual([...(rows?.hashes.keys() ?? [])], [3, 0, 7, 1].slice(0, (length - 68) / 40));
  }
  t.deepEqual(parseUnitRows(bytes)?.stamp, STAMP);
});

test("a claim taken back is gone, and a journal goes on where its whole rows end", async (t) => {
  const path = join(await scratch(t), "units");
  const journal = await UnitJournal.create(path, STAMP, new Map([[4, hash(4)]]));
  await journal.claim(5, hash(5));
  await journal.unclaim(4);
  await journal.close();
  const found = await readUnitRows(path);
  const again = await UnitJournal.resume(path, (found?.bytes ?? 0) - 40);
  await again.claim(6, hash(6));
  await again.close();
  t.deepEqual([...((await readUnitRows(path))?.hashes.keys() ?? [])], [4, 5, 6]);
});

test("no flipped byte of a journal makes a claim that was not there", async (t) => {
  const path = join(await scratch(t), "units");
  const journal = await UnitJournal.create(path, STAMP);
  for (const unit of [0, 1, 2]) await journal.claim(unit, hash(unit));
  await journal.close();
  const bytes = new Uint8Array(await readFile(path));
  for (let at = 0; at < bytes.length; at++) {
    const forged = bytes.slice();
    forged[at] = (forged[at] as number) ^ 0x10;
    for (const [unit, claimed] of parseUnitRows(forged)?.hashes ?? []) {
      t.deepEqual(claimed, hash(unit), `byte ${at}`);
    }
  }
});

test("what is finished is found again, up to a torn row", async (t) => {
  const path = join(await scratch(t), "finished");
  const journal = await FinishedJournal.open(path, BOOT);
  const file = { path: "a/\u00fc", size: 2 ** 50, mtimeNs: -1n, root: hash(1), name: "\u00fc (1)" };
  await journal.addFolder("a");
  await journal.addFile(file, file.root, file.name);
  await journal.close();
  const bytes = new Uint8Array(await readFile(path));
  const rows = parseFinished(bytes, BOOT)?.rows;
  t.deepEqual(rows?.files.get(file.path), file);
  t.deepEqual([...(rows?.folders ?? [])], ["a"]);
  t.false(rows?.rebooted);
  t.true(parseFinished(bytes, new Uint8Array(16))?.rows.rebooted);
  for (let length = 28; length < bytes.length; length++) {
    t.is(parseFinished(bytes.subarray(0, length), BOOT)?.rows.files.size, 0, `${length} bytes`);
  }
});

test("any bytes are read as a journal or as none, without an exception", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      parseUnitRows(bytes);
      parseFinished(bytes, BOOT);
    }),
  );
  t.pass();
});

test("a journal that cannot be made is named, and no file blamed", async (t) => {
  const inTheWay = join(await scratch(t), "file");
  await writeFile(inTheWay, "");
  const { sender, streams } = memoryPair();
  const error = await t.throwsAsync(
    sendFiles(sender, [inTheWay], { journal: `${inTheWay}/j` }).done,
    {
      code: "MP2P_TARGET",
    },
  );
  t.is(error?.message, `cannot keep a journal in ${inTheWay}/j: ENOTDIR`);
  t.regex((error as { hint?: string }).hint ?? "", /folder you can write to/);
  t.is(streams.length, 0, "nothing was offered");
});

test.serial("a row that a full disk took half of costs no row after it", async (t) => {
  const path = join(await scratch(t), "units");
  const journal = await UnitJournal.create(path, STAMP, new Map([[4, hash(4)]]));
  const { writeSync, write } = fs;
  const full = Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
  let room = 25;
  const half = (fd: number, bytes: Uint8Array, from: number, length: number): number => {
    if (room === 0) throw full;
    const fitting = Math.min(room, length);
    room -= fitting;
    return writeSync(fd, bytes, from, fitting, null);
  };
  patch(t, {
    writeSync: half,
    write: (
      ...[fd, bytes, from, length, , done]: [number, Uint8Array, number, number, null, Done]
    ) => {
      if (room === 0) setImmediate(done, full);
      else setImmediate(done, null, half(fd, bytes, from, length));
    },
  });
  await t.throwsAsync(journal.claim(5, hash(5)), { code: "ENOSPC" });
  Object.assign(fs, { writeSync, write });
  await journal.unclaim(4);
  await journal.claim(6, hash(6));
  await journal.close();
  t.deepEqual([...((await readUnitRows(path))?.hashes.keys() ?? [])], [6]);
});
