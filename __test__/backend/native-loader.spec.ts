/** Where the addon is looked for, in a copy of the package that has none, or a broken one. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";

const COMPILED = fileURLToPath(new URL("../../src", import.meta.url));
const PRINT_CHAIN = `
  const { loadNative } = await import("./src/backend/native.js");
  try { loadNative(); console.log("loaded"); } catch (error) {
    console.log(error.code, "|", error.hint);
    for (let cause = error.cause; cause; cause = cause.cause) console.log(cause.message);
  }`;

function packageCopy(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), "mp2p-loader-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const part of ["base", "backend"])
    cpSync(join(COMPILED, part), join(folder, "src", part), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "mp2p", type: "module" }));
  return folder;
}

function chainIn(folder: string): string {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", PRINT_CHAIN],
    {
      cwd: folder,
      encoding: "utf8",
    },
  );
  return stdout + stderr;
}

test("without any addon the error names what was tried, in order, and what to do", (t) => {
  const told = chainIn(packageCopy(t));
  t.regex(told, /^MP2P_BACKEND_MISSING \| .*MP2P_BACKEND=fallback/);
  const local = told.search(/cannot load \S+mp2p\.[\w-]+\.node/);
  const platformPackage = told.search(/cannot load mp2p-[\w-]+:/);
  t.true(local >= 0 && platformPackage >= 0, told);
});

test("an addon that cannot be loaded does not stand in the way of the platform package", (t) => {
  const folder = packageCopy(t);
  const { platform, arch } = process;
  const name = /mp2p\.[\w-]+\.node/.exec(chainIn(folder))?.[0] ?? `mp2p.${platform}-${arch}.node`;
  writeFileSync(join(folder, name), "not a library");
  const platformPackage = join(
    folder,
    "node_modules",
    name.slice(0, -".node".length).replace(".", "-"),
  );
  cpSync(join(folder, "src", "base"), platformPackage, { recursive: true });
  writeFileSync(join(platformPackage, "package.json"), JSON.stringify({ main: "index.cjs" }));
  const stub = "module.exports = { capabilities: () => ({}) };";
  writeFileSync(join(platformPackage, "index.cjs"), stub);
  t.is(chainIn(folder).trim(), "loaded");
  writeFileSync(join(platformPackage, "index.cjs"), "throw new Error('also broken');");
  const told = chainIn(folder);
  t.regex(told, /cannot load mp2p-[\w-]+: Error: also broken/);
  t.regex(told, /cannot load \S+\.node: Error/);
});
