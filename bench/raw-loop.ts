/** The Rust-only loop: GSO, AEAD, no recovery. Its source is crates/mp2p-net/examples/raw_loop.rs. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Child, NotMeasured } from "./child.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SOURCE = `${ROOT}crates/mp2p-net/examples/raw_loop.rs`;
const BUILD = ["build", "--quiet", "--release", "--package", "mp2p-net", "--example", "raw_loop"];

let built: string | undefined;

/** 10^6 bytes of payload a second, as its receiver opened them. @throws {NotMeasured} without Rust */
export async function rawLoopRate(seconds: number): Promise<number> {
  built ??= build();
  const loop = new Child(built, [String(seconds)]);
  try {
    const done = await loop.next("done", seconds * 1000 + 30_000);
    return Number(done.megabytesPerSecond);
  } finally {
    await loop.stop();
  }
}

function build(): string {
  if (!existsSync(SOURCE)) throw new NotMeasured("crates/mp2p-net/examples/raw_loop.rs is missing");
  const { status, error, stderr } = spawnSync("cargo", BUILD, { cwd: ROOT, encoding: "utf8" });
  if (error !== undefined) throw new NotMeasured(`no Rust toolchain: ${error.message}`);
  if (status !== 0) throw new NotMeasured(`cargo build failed: ${stderr.trim().split("\n")[0]}`);
  return `${ROOT}target/release/examples/raw_loop`;
}
