/** Transfers as somebody without types asks for them: every slip is named before anything is sent or written. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { receiveFiles } from "../../src/transfer/receive.ts";
import { sendFiles } from "../../src/transfer/send.ts";
import { type Kind, openPair } from "../endpoint/pair.ts";
import { availableKinds } from "../support/backends.ts";
import { memoryPair, scratch } from "./support.ts";

const [kind] = (await availableKinds()) as [Kind];

for (const [slip, message] of [
  [{ accept: "al" }, /accept .* "all" or a function, not "al"/],
  [{ accept: true }, /accept/],
  [{ onConflict: "replace" }, /onConflict .* "skip" or "rename" or "overwrite"/],
  [{ overwrite: true }, /no option overwrite; it has .*onConflict/],
  [{ limits: { byte: 1 } }, /no option byte; it has entries, bytes/],
  [{ limits: { bytes: Number.NaN } }, /bytes .* number/],
  [{ stream: "x" }, /stream/],
  [null, /an object, not null/],
] as const) {
  test(`nothing is received with ${JSON.stringify(slip)}`, (t) => {
    const { receiver } = memoryPair();
    t.throws(() => receiveFiles(receiver, "unused", slip as never), {
      instanceOf: TypeError,
      message,
    });
  });
}

test("what is no session, folder or transfer id is named at once", (t) => {
  const { sender, receiver } = memoryPair();
  const expected = { instanceOf: TypeError };
  t.throws(() => sendFiles(undefined as never, ["x"]), expected);
  t.throws(() => sendFiles(sender, ["x"], { transferId: "a".repeat(16) as never }), expected);
  t.throws(() => sendFiles(sender, ["x"], { journl: "x" } as never), expected);
  t.throws(() => receiveFiles({} as never, "unused"), expected);
  t.throws(() => receiveFiles(receiver, undefined as never), expected);
  t.throws(() => receiveFiles(receiver, ""), expected);
});

test("an empty path is an error, not everything in the current folder", async (t) => {
  const { sender } = memoryPair();
  await t.throwsAsync(sendFiles(sender, [""]).done, { code: "MP2P_SOURCE" });
});

test("an answer about a taken name that is none ends the transfer with its reason", async (t) => {
  const { sender, receiver } = memoryPair();
  const [from, into] = [await scratch(t), await scratch(t)];
  await writeFile(join(from, "a"), "new content");
  await writeFile(join(into, "a"), "old");
  const receiving = receiveFiles(receiver, into, { onConflict: () => "replace" as never });
  const sending = sendFiles(sender, [join(from, "a")]);
  await t.throwsAsync(receiving.done, { instanceOf: TypeError, message: /not replace/ });
  await t.throwsAsync(sending.done, { code: "MP2P_CLOSED" });
});

test("a receiver that was called off leaves the next transfer to the next call", async (t) => {
  const { there, here } = await openPair(t, [kind, kind]);
  const [from, into] = [await scratch(t), await scratch(t)];
  await writeFile(join(from, "a"), "content");
  const controller = new AbortController();
  const first = receiveFiles(here, into, { signal: controller.signal });
  await new Promise(setImmediate);
  controller.abort(new Error("called off"));
  await t.throwsAsync(first.done, { message: "called off" });
  const second = receiveFiles(here, into);
  t.is((await sendFiles(there, [join(from, "a")]).done).files, 1);
  t.is((await second.done).files, 1);
});
