/** Loads the native addon and shows it as a `Backend`. */
import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Mp2pError } from "../base/errors.ts";
import type { Addon } from "./native/addon.ts";
import { nativePrimitives } from "./native/primitives.ts";
import { NativeDatagramSocket } from "./native/socket.ts";
import type { Backend } from "./port.ts";

/** A program bundled as CommonJS has no `import.meta`, and without this would silently run on the fallback. */
const FILE = typeof __filename === "string" ? __filename : fileURLToPath(import.meta.url);
const require = createRequire(FILE);

/**
 * A binary built in the checkout, else the platform package.
 *
 * @throws {Mp2pError} `MP2P_BACKEND_MISSING`; its chain of causes says what was tried and how it failed
 */
export function loadNative(): Backend {
  const addon = loadAddon();
  return {
    name: "native",
    get capabilities() {
      return { ...addon.capabilities(), receiveThread: true };
    },
    primitives: nativePrimitives(addon),
    openSocket: async (options) => new NativeDatagramSocket(addon, options),
  };
}

/** Where ELF files name their loader: behind the header and some ten program headers. */
const EXECUTABLE_START_BYTES = 4096;

let loaded: Addon | undefined;

function loadAddon(): Addon {
  if (loaded !== undefined) return loaded;
  const platform = platformName();
  const root = packageRoot();
  const built = root === undefined ? [] : [join(root, `mp2p.${platform}.node`)];
  const candidates = [...built, `mp2p-${platform}`];
  let cause: unknown;
  for (const candidate of candidates) {
    try {
      loaded = require(candidate) as Addon;
      return loaded;
    } catch (error) {
      cause = new Error(`cannot load ${candidate}: ${String(error)}`, { cause });
    }
  }
  throw new Mp2pError("MP2P_BACKEND_MISSING", `no native backend for ${platform}`, {
    cause,
    hint: "Install the platform package, build from source with a Rust toolchain, or set MP2P_BACKEND=fallback.",
  });
}

/** As napi-rs names its platform packages. */
function platformName(): string {
  const { platform, arch } = process;
  if (platform === "linux") return `linux-${arch}-${isMusl() ? "musl" : "gnu"}`;
  if (platform === "win32") return `win32-${arch}-msvc`;
  return `${platform}-${arch}`;
}

/**
 * By the loader that Node's own ELF file names in its first bytes. Node's report says it too, but takes
 * 30 ms to make.
 */
function isMusl(): boolean {
  try {
    const start = Buffer.alloc(EXECUTABLE_START_BYTES);
    const file = openSync(process.execPath, "r");
    readSync(file, start);
    closeSync(file);
    return start.includes("/ld-musl-");
  } catch {
    return false;
  }
}

/** The nearest folder above whose package.json is ours; a bundle has none. */
function packageRoot(): string | undefined {
  for (let folder = dirname(FILE); ; folder = dirname(folder)) {
    if (isPackage(folder)) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

function isPackage(folder: string): boolean {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return false;
  return (JSON.parse(readFileSync(file, "utf8")) as { name?: string }).name === "mp2p";
}
