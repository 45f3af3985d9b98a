import fs from "node:fs";
import { mkdir, readFile, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { receiveFiles } from "../../src/transfer/receive.ts";
import { sendFiles } from "../../src/transfer/send.ts";
import { listing, memoryPair, noise, scratch } from "./support.ts";

const MIB = 1024 * 1024;

test("a file arrives with its content, mode and time, and nothing is left behind", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  for (const bytes of [0, 1, 1000, 65_536, 65_537, MIB, MIB + 1, 5 * MIB + 3]) {
    await writeFile(join(from, `f${bytes}`), noise(bytes, bytes), { mode: 0o640 });
    await utimes(join(from, `f${bytes}`), 1_500_000_000.123456, 1_500_000_000.123456);
  }
  const paths = fs.readdirSync(from).map((name) => join(from, name));
  const { sender, receiver } = memoryPair({ pieces: [1, 7, 65_536, 3, 100_000] });
  const receiving = receiveFiles(receiver, into);
  const sent = await sendFiles(sender, paths).done;
  const received = await receiving.done;
  t.deepEqual(await listing(into), await listing(from));
  t.is(sent.files, paths.length);
  t.is(received.bytes, sent.bytes);
  t.is(received.payloadBytes, sent.bytes);
});

test("a folder arrives with empty folders, links, modes and times", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  await makeFolder(join(from, "top"));
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into);
  await sendFiles(sender, [join(from, "top")]).done;
  await receiving.done;
  t.deepEqual(await listing(into), await listing(from));
});

for (const consumable of [false, true]) {
  test(`content larger than all buffers together arrives ${consumable ? "by consume" : "by data events"}`, async (t) => {
    const from = await scratch(t);
    const into = await scratch(t);
    await writeFile(join(from, "large"), noise(100 * MIB));
    for (let number = 0; number < 100; number++) {
      await writeFile(join(from, `small-${number}`), noise(number * 700, number));
    }
    const pieces = [1, 7, 65_536, 3, 1_000_000, 30];
    const { sender, receiver } = memoryPair({ bufferBytes: 200 * MIB, consumable, pieces });
    const receiving = receiveFiles(receiver, into);
    const paths = fs.readdirSync(from).map((name) => join(from, name));
    const sent = await sendFiles(sender, paths).done;
    t.false(sent.partial);
    await receiving.done;
    t.deepEqual(await listing(into), await listing(from));
  });
}

test("the same transfer again sends no content and changes nothing", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  await makeFolder(join(from, "top"));
  for (const attempt of [1, 2]) {
    const { sender, receiver } = memoryPair();
    const receiving = receiveFiles(receiver, into);
    const sent = await sendFiles(sender, [join(from, "top")]).done;
    await receiving.done;
    t.deepEqual(await listing(into), await listing(from));
    if (attempt === 2) t.is(sent.payloadBytes, 0);
  }
});

test("both sides tell the same story, and iterating ends with the summary", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  await writeFile(join(from, "a"), noise(3 * MIB));
  const { sender, receiver } = memoryPair();
  const receiving = receiveFiles(receiver, into);
  const sending = sendFiles(sender, [join(from, "a")]);
  for (const transfer of [sending, receiving]) {
    const types: string[] = [];
    let root: string | undefined;
    for await (const event of transfer) {
      if (types.at(-1) !== event.type) types.push(event.type);
      if (event.type === "file") root = event.root;
      if (event.type === "done") t.is(event.bytes, 3 * MIB);
    }
    t.deepEqual(
      types.filter((type) => type !== "progress"),
      ["offer", "accept", "file", "done"],
    );
    t.regex(root ?? "", /^[0-9a-f]{64}$/);
  }
});

async function makeFolder(top: string): Promise<void> {
  await mkdir(join(top, "empty"), { recursive: true });
  await mkdir(join(top, "deep/er"), { recursive: true });
  for (let number = 0; number < 200; number++) {
    await writeFile(join(top, "deep", `small-${number}`), noise(number * 17, number));
  }
  await writeFile(join(top, "deep/er/large"), noise(2 * MIB + 17));
  await writeFile(join(top, "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
  await writeFile(join(top, "secret"), await readFile(join(top, "run.sh")), { mode: 0o600 });
  await symlink("../run.sh", join(top, "deep/link"));
  await symlink("deep", join(top, "shortcut"));
  await symlink("nowhere", join(top, "dangling"));
  fs.chmodSync(join(top, "empty"), 0o555);
  await utimes(join(top, "deep/er"), 1_400_000_000, 1_400_000_000);
  await utimes(join(top, "deep"), 1_400_000_001, 1_400_000_001);
}
