/** Where the addon is looked for, in a copy of the package that has none, or a broken one. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { buildSync } from "esbuild";

const COMPILED = fileURLToPath(new URL("../../src", import.meta.url));
const PRINT = `
  try { loadNative(); console.log("loaded"); } catch (error) {
    console.log(error.code, "|", error.hint);
    for (let cause = error.cause; cause; cause = cause.cause) console.log(cause.message);
  }`;
const PRINT_CHAIN = `const { loadNative } = await import("./src/backend/native.js"); ${PRINT}`;

const LOADABLE = "module.exports = { capabilities: () => ({}) };";

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

/** As a platform package, in a folder's node_modules. */
function putPlatformPackage(folder: string, name: string, script: string): void {
  const place = join(folder, "node_modules", name);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "package.json"), JSON.stringify({ main: "index.cjs" }));
  writeFileSync(join(place, "index.cjs"), script);
}

for (const format of ["esm", "cjs"] as const)
  test(`a program bundled as ${format} loads the platform package beside it`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), "mp2p-loader-"));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const name = /cannot load (mp2p-[\w-]+):/.exec(chainIn(packageCopy(t)))?.[1] as string;
    putPlatformPackage(folder, name, LOADABLE);
    const outfile = join(folder, "out", format === "esm" ? "program.mjs" : "program.cjs");
    const path = JSON.stringify(join(COMPILED, "backend", "native.js"));
    const contents = `import { loadNative } from ${path}; ${PRINT}`;
    const stdin = { contents, resolveDir: folder };
    const packages = "external";
    const quietly = { bundle: true, platform: "node", logLevel: "error" } as const;
    buildSync({ ...quietly, stdin, outfile, format, packages });
    const { stdout, stderr } = spawnSync(process.execPath, [outfile], { encoding: "utf8" });
    t.is((stdout + stderr).trim(), "loaded");
  });

test("an addon that cannot be loaded does not stand in the way of the platform package", (t) => {
  const folder = packageCopy(t);
  const { platform, arch } = process;
  const name = /mp2p\.[\w-]+\.node/.exec(chainIn(folder))?.[0] ?? `mp2p.${platform}-${arch}.node`;
  writeFileSync(join(folder, name), "not a library");
  const platformPackage = name.slice(0, -".node".length).replace(".", "-");
  putPlatformPackage(folder, platformPackage, LOADABLE);
  t.is(chainIn(folder).trim(), "loaded");
  putPlatformPackage(folder, platformPackage, "throw new Error('also broken');");
  const told = chainIn(folder);
  t.regex(told, /cannot load mp2p-[\w-]+: Error: also broken/);
  t.regex(told, /cannot load \S+\.node: Error/);
});
