/** The platforms with a prebuilt addon: napi-rs's names, Rust's targets, npm's os, cpu and libc. */
import process from "node:process";

export const TARGETS = [
  { platform: "linux-x64-gnu", rust: "x86_64-unknown-linux-gnu", libc: "glibc" },
  { platform: "linux-arm64-gnu", rust: "aarch64-unknown-linux-gnu", libc: "glibc" },
  { platform: "linux-x64-musl", rust: "x86_64-unknown-linux-musl", libc: "musl" },
  { platform: "linux-arm64-musl", rust: "aarch64-unknown-linux-musl", libc: "musl" },
  { platform: "darwin-x64", rust: "x86_64-apple-darwin" },
  { platform: "darwin-arm64", rust: "aarch64-apple-darwin" },
  { platform: "win32-x64-msvc", rust: "x86_64-pc-windows-msvc" },
  { platform: "win32-arm64-msvc", rust: "aarch64-pc-windows-msvc" },
];

/** File name of the addon of a platform, in the checkout and in its package. */
export function addonName(platform) {
  return `mp2p.${platform}.node`;
}

/** This machine, by the name that src/backend/native.ts gives it. */
export function ownPlatform() {
  const { platform, arch } = process;
  if (platform === "win32") return `win32-${arch}-msvc`;
  if (platform !== "linux") return `${platform}-${arch}`;
  const { glibcVersionRuntime } = process.report.getReport().header;
  return `linux-${arch}-${glibcVersionRuntime ? "gnu" : "musl"}`;
}
