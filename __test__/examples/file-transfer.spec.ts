import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { temporaryFolder } from "../cli/command.ts";
import { Process } from "../support/process.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/file-transfer.js", import.meta.url));
const SOURCE = fileURLToPath(new URL("../../../examples/file-transfer.ts", import.meta.url));

test("the transfer example moves a file and a folder, and is as short as it says", async (t) => {
  const root = temporaryFolder(t);
  const [folder, inbox] = [join(root, "folder"), join(root, "inbox")];
  mkdirSync(folder);
  mkdirSync(inbox);
  const content = randomBytes(3_000_000);
  writeFileSync(join(root, "file.bin"), content);
  writeFileSync(join(folder, "note.txt"), "small");

  const example = (...args: string[]) => new Process(t, [process.execPath, EXAMPLE, ...args]);
  const receiver = example("receive", inbox);
  const ticket = await receiver.line("mp2p1");
  const sender = example("send", `mp2p1${ticket}`, join(root, "file.bin"), folder);
  t.regex((await sender.output()).at(-1) ?? "", /^3000005 bytes in [\d.]+ s, \d+ MB\/s$/);
  await receiver.output();
  t.deepEqual(readFileSync(join(inbox, "file.bin")), content);
  t.is(readFileSync(join(inbox, "folder", "note.txt"), "utf8"), "small");
  t.true(readFileSync(SOURCE, "utf8").split("\n").length <= 40);
});
