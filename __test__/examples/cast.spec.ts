import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { temporaryFolder } from "../cli/command.ts";
import { Process } from "../support/process.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/cast.js", import.meta.url));
const SOURCE = fileURLToPath(new URL("../../../examples/cast.ts", import.meta.url));

test("the cast example: one file to two receivers, by ticket and by announcement, in one upload", async (t) => {
  const root = temporaryFolder(t);
  const content = randomBytes(2_000_000);
  writeFileSync(join(root, "file.bin"), content);
  const example = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    new Process(t, [process.execPath, EXAMPLE, ...args], env);

  const sender = example(["send", "2", join(root, "file.bin")]);
  const [key = "", ticket = ""] = (await sender.line("")).split(" ");
  const receivers = [
    example(["receive", join(root, "a"), ticket]),
    example(["receive", join(root, "b")], { MP2P_TRUSTED: key }),
  ];
  for (const receiver of receivers)
    t.deepEqual(await receiver.output(), ["1 files, 2000000 bytes"]);
  const [, result = "", wire = ""] = await sender.output();
  t.regex(result, /^2000000 bytes to 2 in [\d.]+ s$/);
  t.true(Number.parseInt(wire, 10) < 3_500_000, wire);
  for (const folder of ["a", "b"])
    t.deepEqual(readFileSync(join(root, folder, "file.bin")), content);
  t.true(readFileSync(SOURCE, "utf8").split("\n").length <= 45);
});
