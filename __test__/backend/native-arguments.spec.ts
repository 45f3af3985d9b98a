import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import test from "ava";
import { nativeMissing } from "../support/backends.ts";

const native = (await nativeMissing()) === undefined ? test : test.skip;
const CHILD = fileURLToPath(new URL("./native-arguments-child.js", import.meta.url));

native("whatever the addon is called with, it throws and the process lives", (t) => {
  const { status, signal, stderr } = spawnSync(process.execPath, [CHILD], { encoding: "utf8" });
  t.deepEqual({ status, signal }, { status: 0, signal: null }, stderr);
});
