/**
 * Builds the addon that is published for a platform, into prebuilt/. `npm run prebuilt -- PLATFORM`,
 * default: this one. On Linux `cargo zigbuild` links against an old glibc or musl of any CPU.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { buildLibrary, placeAddon } from "./cargo.mjs";
import { outputOf, ROOT, say } from "./run.mjs";
import { addonName, ownPlatform, TARGETS } from "./targets.mjs";

/** CentOS 7, Debian 8: older than every system that Node 20 runs on. */
const GLIBC_FLOOR = "2.17";

const platform = process.argv[2] ?? ownPlatform();
const target = TARGETS.find((one) => one.platform === platform);
if (target === undefined) throw new RangeError(`unknown platform ${platform}`);

const hasZigbuild = outputOf("cargo-zigbuild", ["--version"]) !== undefined;
const crossed = target.libc !== undefined && hasZigbuild;
const library = crossed ? buildCrossed() : buildLibrary("build", ["--target", target.rust]);
if (library === undefined) process.exit(1);

const place = join(ROOT, "prebuilt", addonName(platform));
mkdirSync(join(ROOT, "prebuilt"), { recursive: true });
placeAddon(library, place);
say(`${place} is ready`);
if (target.libc === "glibc") process.exitCode = checkFloor(newestGlibcOf(place)) ? 0 : 1;

function buildCrossed() {
  if (target.libc === "glibc") {
    return buildLibrary("zigbuild", ["--target", `${target.rust}.${GLIBC_FLOOR}`]);
  }
  // An addon is loaded by a dynamically linked node: musl's usual static linking is wrong for it.
  const environment = { RUSTFLAGS: "-C target-feature=-crt-static" };
  return buildLibrary("zigbuild", ["--target", target.rust], environment);
}

/** The newest glibc version among the symbols that the library needs. */
function newestGlibcOf(path) {
  const symbols = execFileSync("objdump", ["-T", path], { encoding: "utf8" });
  const versions = [...symbols.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [
    Number(major),
    Number(minor),
  ]);
  const [newest] = versions.sort(([a, b], [c, d]) => c - a || d - b);
  if (newest === undefined) throw new Error(`${path} needs no glibc: objdump -T shows no version`);
  return newest;
}

/** Only a build by zig promises the old floor; a plain one is for machines like this one. */
function checkFloor([major, minor]) {
  const needed = `${major}.${minor}`;
  if (!crossed) {
    say(`no cargo zigbuild: this addon needs glibc ${needed} instead of ${GLIBC_FLOOR}`);
    return true;
  }
  const [floorMajor, floorMinor] = GLIBC_FLOOR.split(".").map(Number);
  const low = major < floorMajor || (major === floorMajor && minor <= floorMinor);
  say(`needs glibc ${needed}${low ? "" : `, more than ${GLIBC_FLOOR}`}`);
  return low;
}
