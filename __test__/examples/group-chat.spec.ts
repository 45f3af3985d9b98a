import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import test from "ava";
import { Process } from "../support/process.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/group-chat.js", import.meta.url));
const SOURCE = fileURLToPath(new URL("../../../examples/group-chat.ts", import.meta.url));

test("the chat example: three processes on one machine hear each other, and it is as short as it says", async (t) => {
  const first = new Process(t, [process.execPath, EXAMPLE, "ada"]);
  const [MP2P_CHAT_SECRET] = (await first.line("MP2P_CHAT_SECRET=")).split(" ");
  const others = ["bob", "cy"].map(
    (name) => new Process(t, [process.execPath, EXAMPLE, name], { MP2P_CHAT_SECRET }),
  );
  for (const each of [first, ...others])
    while (each.lines.filter((line) => line.startsWith("+ ")).length < 2) await each.more();
  first.say("hello, all");
  for (const other of others) t.is(await other.line("ada: "), "hello, all");
  t.true(readFileSync(SOURCE, "utf8").split("\n").length <= 40);
});
