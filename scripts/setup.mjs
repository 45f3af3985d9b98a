/**
 * Makes a fresh clone ready: npm packages, the native addon where there is a Rust toolchain, and
 * the compiled package in dist/. Runs before anything is installed, so it imports only node:*.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { outputOf, ROOT, run, say, toolPath } from "./run.mjs";

/** Makes `npx mp2p` work. @returns whether everything that was tried worked. */
export function setup() {
  return prepare() && compilePackage();
}

/** What has to be there before anything can be compiled. */
export function prepare() {
  return installPackages() && buildAddon();
}

/** Compiles src/ into dist/, which is what the package holds. */
export function compilePackage() {
  return compile("tsconfig.build.json", "src", "dist");
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
  const name = `mp2p.${platformTriple()}.node`;
  const stands = existsSync(join(ROOT, name))
    ? `${name} from an earlier build is used`
    : "the fallback backend is used";
  if (process.env.MP2P_NO_RUST) {
    say(`MP2P_NO_RUST is set: the native addon is not built, ${stands}`);
    return true;
  }
  if (outputOf("cargo", ["--version"]) === undefined) {
    say(`no Rust toolchain (cargo) found: the native addon is not built, ${stands}`);
    return true;
  }
  say("building the native addon (cargo build --release)");
  const messages = outputOf(
    "cargo",
    ["build", "--release", "--package", "mp2p-napi", "--message-format", "json-render-diagnostics"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  if (messages === undefined) {
    say("the native addon did not build; MP2P_NO_RUST=1 goes on without it");
    return false;
  }
  placeAddon(builtLibrary(messages), join(ROOT, name));
  return true;
}

/** cargo says where it wrote the library: no guess at its name or the target directory. */
function builtLibrary(messages) {
  for (const line of messages.split("\n")) {
    if (!line.includes('"compiler-artifact"')) continue;
    const { target, filenames } = JSON.parse(line);
    if (target.kind.includes("cdylib") && target.name.startsWith("mp2p")) {
      const library = filenames.find((path) => /\.(so|dylib|dll)$/.test(path));
      if (library !== undefined) return library;
    }
  }
  throw new Error("cargo reported no cdylib of mp2p-napi");
}

/** Renamed into place: a process that runs on the old file keeps it. */
function placeAddon(library, target) {
  if (existsSync(target) && readFileSync(target).equals(readFileSync(library))) return;
  const fresh = `${target}.new`;
  copyFileSync(library, fresh);
  renameSync(fresh, target);
  say(`${basename(target)} is ready`);
}

/** napi-rs's name for this platform, as in the names of its prebuilt packages. */
export function platformTriple() {
  const { platform, arch } = process;
  if (platform === "win32") return `win32-${arch}-msvc`;
  if (platform !== "linux") return `${platform}-${arch}`;
  const { glibcVersionRuntime } = process.report.getReport().header;
  return `linux-${arch}-${glibcVersionRuntime ? "gnu" : "musl"}`;
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
  const program = join(out, "cli", "main.js");
  if (existsSync(program)) chmodSync(program, 0o755);
  return worked;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const worked = setup() && (!process.argv.includes("--all") || compileAll());
  process.exitCode = worked ? 0 : 1;
}
