import { chmodSync } from "node:fs";
import { mkdir, readdir, readFile, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { castFiles } from "../../src/transfer/cast-files.ts";
import type { FileEvent, Transfer } from "../../src/transfer/events.ts";
import { receiveCast } from "../../src/transfer/receive-cast.ts";
import { type MemoryCastOptions, memoryCast } from "./memory-cast.ts";
import { listing, noise, scratch } from "./support.ts";

const MIB = 1024 * 1024;

/** A tree with all there is: large and small files, an empty one, folders, links, modes, times. */
async function tree(folder: string): Promise<string> {
  const top = join(folder, "top");
  await mkdir(join(top, "sub/empty"), { recursive: true });
  await writeFile(join(top, "large"), noise(2 * MIB + 17, 3));
  await writeFile(join(top, "sub/larger"), noise(3 * MIB, 4));
  for (let n = 0; n < 40; n++) await writeFile(join(top, `small-${n}`), noise(97 * n, n + 1));
  await symlink("sub/larger", join(top, "link"));
  chmodSync(join(top, "large"), 0o640);
  chmodSync(join(top, "sub"), 0o750);
  await utimes(join(top, "sub/larger"), 1_000_000, 1_000_000.5);
  await utimes(join(top, "sub/empty"), 2_000_000, 2_000_000.25);
  return top;
}

async function filesOf(transfer: Transfer): Promise<FileEvent[]> {
  const files: FileEvent[] = [];
  for await (const event of transfer) if (event.type === "file") files.push(event);
  return files;
}

for (const [what, options] of Object.entries<MemoryCastOptions>({
  "blocks smaller than a file": { blockBytes: 50_000 },
  "blocks larger than a file": { blockBytes: 900_001, atOnce: 1 },
  "one block": { blockBytes: 8 * MIB },
})) {
  test(`a tree arrives as it was, in ${what}`, async (t) => {
    const from = await scratch(t);
    const into = await scratch(t);
    const top = await tree(from);
    const { sender, receiver } = memoryCast(options);
    const cast = await castFiles(sender, [top]);
    t.is(cast.files, 42);
    const received = receiveCast(receiver, cast.ticket, into);
    const summary = await received.done;
    t.deepEqual(await listing(into), await listing(from));
    t.like(summary, { files: 42, bytes: cast.bytes, partial: false, resumedBytes: 0 });
    t.is((await cast.done).receivers[0]?.outcome, "complete");
  });
}

test("a cut cast goes on with what was verified, whichever side comes back", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  const top = await tree(from);
  let sent = 0;
  let sentBytes = 0;
  for (const cutAfterBlocks of [1, 20, 30, Number.POSITIVE_INFINITY]) {
    const cast = memoryCast({ blockBytes: 50_000, cutAfterBlocks });
    const { ticket } = await castFiles(cast.sender, [top]);
    const received = receiveCast(cast.receiver, ticket, into);
    const end = await received.done.catch((error) => error.code);
    if (cutAfterBlocks < 100) t.is(end, "MP2P_CLOSED");
    else t.is(end.resumedBytes, sentBytes, "what came before is not sent again");
    sent += cast.sent();
    sentBytes += cast.sentBytes();
  }
  t.is(sent, Math.ceil((5 * MIB + 17 + (97 * 39 * 40) / 2) / 50_000), "each block came once");
  t.deepEqual(await listing(into), await listing(from));
});

test("what was changed between attempts comes anew, and nothing else", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  await writeFile(join(from, "file"), noise(2 * MIB, 1));
  await utimes(join(from, "file"), 1_000_000, 1_000_000);
  const first = memoryCast({ blockBytes: 100_000, cutAfterBlocks: 12 });
  const cast = await castFiles(first.sender, [join(from, "file")]);
  await t.throwsAsync(receiveCast(first.receiver, cast.ticket, into).done);
  const changed = noise(2 * MIB, 1);
  changed[5] = 1;
  await writeFile(join(from, "file"), changed);
  await utimes(join(from, "file"), 1_000_000, 1_000_000);
  const second = memoryCast({ blockBytes: 100_000 });
  const again = await castFiles(second.sender, [join(from, "file")]);
  await receiveCast(second.receiver, again.ticket, into).done;
  t.deepEqual(await readFile(join(into, "file")), changed);
  t.true(second.sent() <= 10, `${second.sent()} blocks of 21 came again`);
});

test("the same cast again moves nothing, and files with the same content are no conflict", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  const top = await tree(from);
  for (const expected of ["written", "skipped"]) {
    const cast = memoryCast({ blockBytes: 50_000 });
    const { ticket } = await castFiles(cast.sender, [top]);
    const received = receiveCast(cast.receiver, ticket, into, { onConflict: "overwrite" });
    const files = await filesOf(received);
    const results = files.filter(({ name }) => name !== "top/link").map(({ result }) => result);
    t.deepEqual(new Set(results), new Set([expected]));
    if (expected === "skipped") t.is(cast.sent(), 0);
  }
  t.deepEqual(await listing(into), await listing(from));
});

for (const [onConflict, names, content] of [
  ["skip", ["large", "small"], "mine"],
  ["rename", ["large", "large (1)", "small", "small (1)"], "mine"],
  ["overwrite", ["large", "small"], undefined],
] as const) {
  test(`a taken name: ${onConflict}`, async (t) => {
    const from = await scratch(t);
    const into = await scratch(t);
    const source = join(from, "top");
    await mkdir(source);
    await writeFile(join(source, "large"), noise(MIB + 5, 1));
    await writeFile(join(source, "small"), noise(500, 2));
    await mkdir(join(into, "top"));
    await writeFile(join(into, "top/large"), "mine");
    await writeFile(join(into, "top/small"), "mine");
    const { sender, receiver } = memoryCast({ blockBytes: 100_000 });
    const { ticket } = await castFiles(sender, [source]);
    await receiveCast(receiver, ticket, into, { onConflict }).done;
    t.deepEqual((await readdir(join(into, "top"))).sort(), [...names]);
    const large = await readFile(join(into, "top/large"));
    t.deepEqual(large, content === undefined ? noise(MIB + 5, 1) : Buffer.from(content));
  });
}

test("a declined cast leaves nothing behind", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  const { sender, receiver } = memoryCast();
  const { ticket } = await castFiles(sender, [await tree(from)]);
  const received = receiveCast(receiver, ticket, into, { accept: () => false });
  await t.throwsAsync(received.done, { code: "MP2P_REFUSED" });
  t.deepEqual(await readdir(into), []);
});

test("a source that changes while it is cast is an error that says so", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  const file = join(from, "file");
  await writeFile(file, noise(3 * MIB, 1));
  const { sender, receiver } = memoryCast({ blockBytes: 100_000 });
  const { ticket } = await castFiles(sender, [file]);
  await writeFile(file, noise(2 * MIB, 2));
  await t.throwsAsync(receiveCast(receiver, ticket, into).done, {
    code: "MP2P_SOURCE_CHANGED",
    message: /source changed while sent: file/,
  });
});

test("a single file that cannot be placed is refused, and the others are written", async (t) => {
  const from = await scratch(t);
  const into = await scratch(t);
  await mkdir(join(from, "top"));
  await writeFile(join(from, "top/a"), "a");
  await writeFile(join(from, "top/b"), "b");
  await mkdir(join(into, "top/a"), { recursive: true });
  const { sender, receiver } = memoryCast();
  const { ticket } = await castFiles(sender, [join(from, "top")]);
  const summary = await receiveCast(receiver, ticket, into, { onConflict: "overwrite" }).done;
  t.like(summary, { files: 1, partial: true });
  t.is(summary.failed[0]?.code, "MP2P_EXISTS");
  t.is(await readFile(join(into, "top/b"), "utf8"), "b");
});
