/**
 * Every test of the project, TypeScript and Rust. Ends with what was counted, and writes the same
 * to build/test-counts.json for .ci/run. `npm test -- PATTERN…` runs only the matching compiled
 * spec files; `--soak` runs the same tests at their full counts.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rustMissing } from "./cargo.mjs";
import { ROOT, runWatched, say, toolPath } from "./run.mjs";
import { compileAll, compilePackage, prepare } from "./setup.mjs";

const patterns = process.argv.slice(2).filter((argument) => argument !== "--soak");
const soak = process.argv.includes("--soak");
if (soak) process.env.MP2P_SOAK = "1";
/** Minutes without a result after which AVA gives up, and then this script. */
const PATIENCE = soak ? { ava: 120, everything: 150 } : { ava: 3, everything: 5 };
const patienceMs = PATIENCE.everything * 60_000;

if (!prepare()) process.exit(1);

const typesAreSound = [compilePackage(), compileAll()].every((worked) => worked);
if (!typesAreSound) say("the types are wrong (above); the tests run all the same");

const counts = { ava: await runAva() };
if (patterns.length === 0) counts.cargo = await runCargo();
mkdirSync(join(ROOT, "build"), { recursive: true });
writeFileSync(join(ROOT, "build", "test-counts.json"), `${JSON.stringify(counts)}\n`);

const all = Object.entries(counts).filter(([, count]) => count !== undefined);
for (const [name, { passed, failed }] of all)
  say(`${name}: ${passed} of ${passed + failed} tests pass`);
const worked = typesAreSound && all.every(([, { passed, failed }]) => passed > 0 && failed === 0);
process.exitCode = worked ? 0 : 1;

/** AVA's TAP lines are counted one by one; a run that ends badly without one counts as a failure. */
async function runAva() {
  const count = { passed: 0, failed: 0 };
  const code = await runWatched(
    process.execPath,
    [
      toolPath("ava"),
      "--tap",
      `--timeout=${PATIENCE.ava}m`,
      ...(patterns.length > 0 ? patterns : ["build/__test__/**/*.spec.js"]),
    ],
    {
      patienceMs,
      onLine: (line) => {
        if (/^ok \d+/.test(line) && !/# (SKIP|TODO)/.test(line)) count.passed++;
        if (/^not ok \d+/.test(line)) count.failed++;
      },
    },
  );
  if (code !== 0 && count.failed === 0) count.failed = 1;
  return count;
}

/** Sums the `test result:` line of each test binary; a build that fails counts as one failure. */
async function runCargo() {
  const missing = rustMissing();
  if (missing !== undefined) {
    say(`${missing}: the Rust tests are left out`);
    return undefined;
  }
  const count = { passed: 0, failed: 0 };
  const onLine = (line) => {
    const [, passed, failed] = /^test result: .*? (\d+) passed; (\d+) failed;/.exec(line) ?? [];
    count.passed += Number(passed ?? 0);
    count.failed += Number(failed ?? 0);
  };
  const args = ["test", "--workspace", "--no-fail-fast"];
  const code = await runWatched("cargo", args, { onLine, patienceMs });
  if (code !== 0 && count.failed === 0) count.failed = 1;
  return count;
}
