/**
 * Packs what is published into `--out DIR` (default: staging/): the main package and one package for
 * each addon found in `--prebuilt DIR` (default: prebuilt/); with `--main-only` there may be none. The platform packages are named as optional dependencies
 * only in the staged package.json: named in the committed one they would break `npm ci` as long as
 * they are not published, and invite strangers to take their names.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { ROOT } from "./run.mjs";
import { addonName, TARGETS } from "./targets.mjs";

const { values } = parseArgs({
  options: {
    prebuilt: { type: "string", default: join(ROOT, "prebuilt") },
    "main-only": { type: "boolean", default: false },
    out: { type: "string", default: join(ROOT, "staging") },
  },
});
const prebuilt = resolve(values.prebuilt);
const out = resolve(values.out);
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const present = values["main-only"]
  ? []
  : TARGETS.filter(({ platform }) => existsSync(join(prebuilt, addonName(platform))));
if (present.length === 0 && !values["main-only"])
  throw new Error(`no mp2p.PLATFORM.node in ${prebuilt}`);
if (!existsSync(join(ROOT, "dist", "cli", "main.js"))) throw new Error("dist/ is not compiled");

rmSync(out, { recursive: true, force: true });
for (const target of present) packPlatform(target);
packMain();

function packPlatform({ platform, libc }) {
  const [os, cpu] = platform.split("-");
  const folder = join(out, platform);
  const file = addonName(platform);
  const { version, license, engines } = manifest;
  mkdirSync(folder, { recursive: true });
  cpSync(join(prebuilt, file), join(folder, file));
  cpSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  writeFileSync(join(folder, "README.md"), `The native part of mp2p for ${platform}.\n`);
  pack(folder, {
    name: `mp2p-${platform}`,
    version,
    description: `The native part of mp2p for ${platform}`,
    license,
    main: file,
    files: [file],
    engines,
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
  });
}

/** The committed package less what only a checkout needs. */
function packMain() {
  const { devDependencies, scripts, ava, ...published } = manifest;
  const folder = join(out, "main");
  for (const name of manifest.files)
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  const names = present.map(({ platform }) => [`mp2p-${platform}`, manifest.version]);
  pack(folder, { ...published, optionalDependencies: Object.fromEntries(names) });
}

function pack(folder, content) {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(content, null, 2)}\n`);
  const [npm, ...before] = npmCommand();
  const answer = execFileSync(npm, [...before, "pack", "--json", "--pack-destination", out], {
    cwd: folder,
    encoding: "utf8",
  });
  const [{ filename, unpackedSize }] = Object.values(JSON.parse(answer));
  console.log(`${join(out, filename)}  ${(unpackedSize / 1e6).toFixed(2)} MB unpacked`);
}

/** npm as the script that node runs, where npm started us: the same on every system. */
function npmCommand() {
  const { npm_execpath: path } = process.env;
  return path === undefined ? ["npm"] : [process.execPath, path];
}
