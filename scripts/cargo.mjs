/** Builds the native addon with cargo. */
import { copyFileSync, existsSync, readFileSync, renameSync } from "node:fs";
import process from "node:process";
import { outputOf } from "./run.mjs";

/** @returns why Rust is left out here; undefined where there is a toolchain. */
export function rustMissing() {
  if (process.env.MP2P_NO_RUST) return "MP2P_NO_RUST is set";
  if (outputOf("cargo", ["--version"]) === undefined) return "no Rust toolchain (cargo) found";
  return undefined;
}

/**
 * @param command - `build`, or another cargo command that builds
 * @returns the path of the library; undefined where the build failed, and why is on stderr
 */
export function buildLibrary(command, options = [], environment = {}) {
  const what = ["--release", "--package", "mp2p-napi"];
  const messages = outputOf(
    "cargo",
    [command, ...what, "--message-format", "json-render-diagnostics", ...options],
    { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...environment } },
  );
  return messages === undefined ? undefined : libraryIn(messages);
}

/** cargo says where it wrote the library: no guess at its name or the target directory. */
function libraryIn(messages) {
  for (const line of messages.split("\n")) {
    if (!line.includes('"compiler-artifact"')) continue;
    const { target, filenames } = JSON.parse(line);
    if (!target.kind.includes("cdylib") || !target.name.startsWith("mp2p")) continue;
    const library = filenames.find((path) => /\.(so|dylib|dll)$/.test(path));
    if (library !== undefined) return library;
  }
  throw new Error("cargo reported no cdylib of mp2p-napi");
}

/** Renamed into place: a process that runs on the old file keeps it. @returns whether it changed. */
export function placeAddon(library, target) {
  if (existsSync(target) && readFileSync(target).equals(readFileSync(library))) return false;
  const fresh = `${target}.new`;
  copyFileSync(library, fresh);
  renameSync(fresh, target);
  return true;
}
