/** What a stranger gets from npm: both packages, installed where nothing can be compiled. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import test from "ava";

const execute = promisify(execFile);
const TIMEOUT_MS = 120_000;
const npm = process.env.npm_execpath;

/** The addon that the set-up built; without Rust there is none, and only the fallback is installed. */
const ADDON = (await readdir(".")).find((name) => /^mp2p\..*\.node$/.test(name));

/** An empty folder, a PATH that holds node and a shell and no compiler, and no trace of npm's caller. */
async function strangersMachine(): Promise<{ place: string; env: NodeJS.ProcessEnv }> {
  const place = await mkdtemp(join(tmpdir(), "mp2p-install-"));
  const programs = join(place, "programs");
  await mkdir(programs);
  const windows = process.platform === "win32";
  if (!windows) await symlink(process.execPath, join(programs, "node"));
  const shell = windows ? dirname(process.env.ComSpec ?? "") : undefined;
  if (shell === undefined) await symlink("/bin/sh", join(programs, "sh"));
  const path = [programs, shell, windows ? dirname(process.execPath) : undefined];
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: path.filter(Boolean).join(delimiter) };
  for (const name of Object.keys(env)) {
    if (/^(npm_package|npm_lifecycle|MP2P_|INIT_CWD|NODE_OPTIONS|CARGO|RUST)/i.test(name)) {
      delete env[name];
    }
  }
  return { place, env };
}

interface Move {
  readonly backend: string;
  readonly equal: boolean;
  readonly note?: string;
}

async function moveFile(cwd: string, env: NodeJS.ProcessEnv): Promise<Move> {
  await copyFile(resolve("__test__/package/move-file.mjs"), join(cwd, "move-file.mjs"));
  const options = { cwd, env, timeout: TIMEOUT_MS };
  const { stdout } = await execute(process.execPath, ["move-file.mjs"], options);
  return JSON.parse(stdout) as Move;
}

test("installed without a compiler, a file moves natively, and on the fallback without the prebuilt part", async (t) => {
  if (ADDON === undefined) {
    t.log("no addon was built here (no Rust toolchain): nothing to pack");
    t.pass();
    return;
  }
  if (npm === undefined) {
    t.fail("run by npm or npx: npm_execpath names the npm that installs");
    return;
  }
  const { place, env } = await strangersMachine();
  t.teardown(() => rm(place, { recursive: true, force: true }));
  await t.throwsAsync(execute("cargo", ["--version"], { env }), { code: "ENOENT" });

  const staging = join(place, "staging");
  const pack = ["scripts/pack.mjs", "--prebuilt", ".", "--out", staging];
  await execute(process.execPath, pack, { timeout: TIMEOUT_MS });
  const packages = (await readdir(staging)).filter((name) => name.endsWith(".tgz"));
  t.is(packages.length, 2);

  const app = join(place, "app");
  await mkdir(app);
  await writeFile(join(app, "package.json"), '{ "private": true }\n');
  const install = ["install", "--prefer-offline", "--no-audit", "--no-fund"];
  const tarballs = packages.map((name) => join(staging, name));
  const options = { cwd: app, env, timeout: TIMEOUT_MS };
  await execute(process.execPath, [npm, ...install, ...tarballs], options);

  t.like(await moveFile(app, env), { backend: "native", equal: true });

  const program = join(app, "node_modules", ".bin", "mp2p");
  if (process.platform !== "win32") {
    const { stdout } = await execute(program, ["--version"], { cwd: app, env });
    t.regex(stdout, /^mp2p \d+\.\d+\.\d+$/m);
  }

  const platform = ADDON.slice("mp2p.".length, -".node".length);
  const prebuilt = join(app, "node_modules", `mp2p-${platform}`);
  t.true(existsSync(prebuilt));
  await rm(prebuilt, { recursive: true });
  const withoutIt = await moveFile(app, env);
  t.like(withoutIt, { backend: "fallback", equal: true });
  t.regex(withoutIt.note ?? "", new RegExp(`mp2p-${platform}`));
});
