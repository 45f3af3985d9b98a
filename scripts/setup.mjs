/**
 * Makes a fresh clone ready: npm packages, the native addon where there is a Rust toolchain, and
 * the compiled package in dist/. Runs before anything is installed, so it imports only node:*.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { buildLibrary, placeAddon, rustMissing } from "./cargo.mjs";
import { ROOT, run, say, toolPath } from "./run.mjs";
import { addonName, ownPlatform } from "./targets.mjs";

/** Makes `npx mp2p` work. @returns whether everything that was tried worked. */
export function setup() {
  return prepare() && compilePackage();
}

/** What has to be there before anything can be compiled. */
export function prepare() {
  return installPackages() && buildAddon();
}

/** Makes dist/, which is what the package holds: types and bundled JavaScript. */
export function compilePackage() {
  return (
    compile("tsconfig.build.json", "src", "dist") &&
    run(process.execPath, ["scripts/bundle.mjs"]) === 0
  );
}

/** Compiles tests, benchmarks and examples too, into build/. */
export function compileAll() {
  return compile("tsconfig.json", ".", "build");
}

function installPackages() {
  if (isInstalled()) return true;
  say("installing the npm packages (npm ci)");
  return run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"]) === 0;
}

/** Compares what npm says it installed with the lock file: a changed lock is as good as none. */
function isInstalled() {
  const installed = join(ROOT, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return false;
  const has = JSON.parse(readFileSync(installed, "utf8")).packages;
  const wants = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")).packages;
  return Object.entries(wants).every(
    ([path, entry]) => path === "" || entry.optional || has[path]?.version === entry.version,
  );
}

function buildAddon() {
  const name = addonName(ownPlatform());
  const missing = rustMissing();
  if (missing !== undefined) {
    const used = existsSync(join(ROOT, name)) ? `${name} as it lies here` : "the fallback backend";
    say(`${missing}: the native addon is not built, this runs on ${used}`);
    return true;
  }
  say("building the native addon (cargo build --release)");
  const library = buildLibrary("build");
  if (library === undefined) {
    say("the native addon did not build; MP2P_NO_RUST=1 goes on without it");
    return false;
  }
  if (placeAddon(library, join(ROOT, name))) say(`${name} is new`);
  return true;
}

/** Compiles a project and removes outputs whose source is gone, so that no deleted test runs on. */
function compile(project, rootDirectory, outDirectory) {
  const worked = run(process.execPath, [toolPath("tsc"), "--project", project]) === 0;
  const out = join(ROOT, outDirectory);
  if (!existsSync(out)) return worked;
  for (const file of readdirSync(out, { recursive: true })) {
    const source = file.replace(/(\.d\.ts|\.js|\.js\.map)$/, ".ts");
    if (source !== file && !existsSync(join(ROOT, rootDirectory, source))) rmSync(join(out, file));
  }
  return worked;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const worked = setup() && (!process.argv.includes("--all") || compileAll());
  process.exitCode = worked ? 0 : 1;
}
