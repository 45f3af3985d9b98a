import fs from "node:fs";
import { mkdir, readdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { type ReceiveOptions, receiveFiles } from "../../src/transfer/receive.ts";
import { type Entry, KIND, RECORD, record } from "../../src/transfer/records.ts";
import { Target } from "../../src/transfer/target.ts";
import { entry, fileRecord, type PartialEntry, RawSender } from "./raw-sender.ts";
import { blake3, listing, memoryPair, scratch } from "./support.ts";

const CONTENT = Uint8Array.of(42);

/** Offers the entries, sends one byte for each file, and returns what the receiver said and did. */
async function offered(
  t: ExecutionContext,
  entries: readonly PartialEntry[],
  prepare: (into: string) => Promise<void> = async () => {},
  options: ReceiveOptions = {},
) {
  const around = await scratch(t);
  const into = join(around, "into");
  await mkdir(into);
  await prepare(into);
  const before = Object.keys(await listing(around));
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into, options);
  const raw = await RawSender.open(sender);
  const full: Entry[] = entries.map(entry);
  raw.offer(full);
  await raw.answer(RECORD.go);
  full.forEach(({ kind }, number) => {
    if (kind === KIND.file) raw.write(fileRecord(number, CONTENT, blake3));
  });
  raw.write(record(RECORD.end));
  const summary = await receiving.done;
  const made = Object.keys(await listing(around)).filter((path) => !before.includes(path));
  return { summary, made, results: raw.results() };
}

const NAMES = [
  "../out",
  "/abs",
  "a/../../out",
  "C:\\x",
  "CON",
  "a\u001bb",
  "a\u202eb",
  ".mp2p/x",
  "x".repeat(256),
  "a//b",
  "end.",
];

for (const name of NAMES) {
  test(`the name ${JSON.stringify(name.slice(0, 20))} is refused, the file beside it arrives`, async (t) => {
    const { summary, made, results } = await offered(t, [{ path: name }, { path: "good" }]);
    t.deepEqual(made, ["into/good"]);
    t.deepEqual(results, ["0 refused MP2P_NAME", "1 written "]);
    t.is(summary.failed[0]?.code, "MP2P_NAME");
    t.is(summary.files, 1);
  });
}

test("a name that is not UTF-8 is refused", async (t) => {
  const around = await scratch(t);
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, around);
  const raw = await RawSender.open(sender);
  const { entryRecord, helloRecord, offeredRecord } = await import("../../src/transfer/records.ts");
  const bad = entryRecord(entry({ path: "ab" }));
  bad[bad.length - 1] = 0xff;
  raw.write(helloRecord(new Uint8Array(16)), bad, offeredRecord(1, 1));
  await raw.answer(RECORD.go);
  raw.write(record(RECORD.end));
  const summary = await receiving.done;
  t.regex(summary.failed[0]?.why ?? "", /not UTF-8/);
  t.deepEqual(await readdir(around), []);
});

test("a path offered twice is taken once", async (t) => {
  const { results } = await offered(t, [{ path: "a" }, { path: "a" }]);
  t.deepEqual(results, ["1 refused MP2P_NAME", "0 written "]);
});

test("nothing goes below a file or a link of the same offer", async (t) => {
  const link = { kind: KIND.link, target: "elsewhere", size: 0 };
  const { results, made } = await offered(t, [
    { path: "top/file" },
    { path: "top/file/below" },
    { path: "top/link", ...link },
    { path: "top/link/below" },
    { path: "top/folder/file" },
    { path: "top/folder", ...link },
  ]);
  const refused = results.filter((result) => result.includes("refused"));
  t.deepEqual(refused, ["1 refused MP2P_NAME", "3 refused MP2P_NAME", "5 refused MP2P_NAME"]);
  t.deepEqual(made, [
    "into/top",
    "into/top/file",
    "into/top/folder",
    "into/top/folder/file",
    "into/top/link",
  ]);
});

for (const [label, target] of [
  ["out", "../../out"],
  ["to the root", "/etc"],
  ["in a bend", "x/../../../out"],
]) {
  test(`a link ${label} is refused`, async (t) => {
    const { results, made } = await offered(t, [
      { path: "top/l", kind: KIND.link, target, size: 0 },
    ]);
    t.deepEqual(results, ["0 refused MP2P_NAME"]);
    t.deepEqual(made, []);
  });
}

test("names that differ in case only are refused with portable where the second comes", async (t) => {
  const { results } = await offered(
    t,
    [{ path: "Read/a" }, { path: "READ/b" }, { path: "\u00e9" }, { path: "e\u0301" }],
    undefined,
    { portable: true },
  );
  t.deepEqual(results.sort(), [
    "0 written ",
    "1 refused MP2P_NAME",
    "2 written ",
    "3 refused MP2P_NAME",
  ]);
});

test("a link in the target is never written through", async (t) => {
  const { results, made } = await offered(
    t,
    [{ path: "link/file" }, { path: "link", kind: KIND.folder, size: 0 }, { path: "deep/er/file" }],
    async (into) => {
      await mkdir(join(into, "../outside"));
      await symlink("../outside", join(into, "link"));
      await mkdir(join(into, "deep"));
      await symlink("../../outside", join(into, "deep/er"));
    },
  );
  t.deepEqual(results.sort(), [
    "0 refused MP2P_NAME",
    "1 refused MP2P_NAME",
    "2 refused MP2P_NAME",
  ]);
  t.deepEqual(made, []);
});

test("a file whose name is a link in the target does not replace what the link points to", async (t) => {
  for (const onConflict of ["skip", "rename", "overwrite"] as const) {
    const { made } = await offered(
      t,
      [{ path: "link" }],
      async (into) => {
        await writeFile(join(into, "../secret"), "secret");
        await symlink("../secret", join(into, "link"));
      },
      { onConflict },
    );
    t.deepEqual(made, onConflict === "rename" ? ["into/link (1)"] : [], onConflict);
  }
});

test("an inbox that is a link is refused", async (t) => {
  const around = await scratch(t);
  await mkdir(join(around, "into"));
  await mkdir(join(around, "outside"));
  await symlink("../outside", join(around, "into/.mp2p"));
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, join(around, "into"));
  const raw = await RawSender.open(sender);
  raw.offer([entry({ path: "a" })]);
  await t.throwsAsync(receiving.done, { code: "MP2P_NAME", message: /symbolic link/ });
  t.deepEqual(await readdir(join(around, "outside")), []);
});

test("a link planted between the check of a folder and its use changes nothing", async (t) => {
  const around = await scratch(t);
  await mkdir(join(around, "into/folder"), { recursive: true });
  await mkdir(join(around, "outside"));
  const target = await Target.open(join(around, "into"));
  const folder = await target.folder("folder");
  await rename(join(around, "into/folder"), join(around, "into/moved"));
  await symlink("../outside", join(around, "into/folder"));
  if (folder?.fd === undefined) {
    t.pass("folders are not used by descriptor here");
  } else {
    fs.writeFileSync(folder.at("file"), "x", { flag: "wx" });
    t.deepEqual(await readdir(join(around, "outside")), []);
    t.deepEqual(await readdir(join(around, "into/moved")), ["file"]);
  }
  folder?.release();
  await target.close();
});

for (const byDescriptor of [true, false]) {
  test(`folders are opened without following links, by ${byDescriptor ? "descriptor" : "name"}`, async (t) => {
    const around = await scratch(t);
    await mkdir(join(around, "into/real"), { recursive: true });
    await symlink("real", join(around, "into/link"));
    await writeFile(join(around, "into/file"), "");
    const target = await Target.open(join(around, "into"), byDescriptor);
    await t.throwsAsync(target.folder("link"), { code: "MP2P_NAME" });
    await t.throwsAsync(target.folder("link/deeper", 0o700), { code: "MP2P_NAME" });
    await t.throwsAsync(target.folder("file"), { code: "MP2P_EXISTS" });
    t.is(await target.folder("real/missing"), undefined);
    const made = await target.folder("real/made/deep", 0o700);
    made?.release();
    t.deepEqual(await readdir(join(around, "into/real/made")), ["deep"]);
    await target.close();
  });
}

test.serial("more folders than are kept open are opened again as needed", async (t) => {
  const into = await scratch(t);
  const target = await Target.open(into);
  const open = () => fs.readdirSync("/proc/self/fd").length;
  const before = process.platform === "linux" ? open() : 0;
  for (let number = 0; number < 500; number++) {
    const folder = await target.folder(`${number}/below`, 0o700);
    fs.writeFileSync(folder?.at("file") ?? "", "");
    folder?.release();
  }
  if (process.platform === "linux") t.true(open() - before < 200);
  await target.close();
  if (process.platform === "linux") t.is(open(), before - 1);
  t.is((await readdir(into)).length, 500);
});
