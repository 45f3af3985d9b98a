/**
 * Every check that is not a test. `npm run check` runs them all, `npm run check -- NAME…` some,
 * `npm run check -- --list` names them. A check whose tool is missing is skipped aloud.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rustMissing } from "./cargo.mjs";
import { outputOf, ROOT, run, say, toolPath } from "./run.mjs";
import { compilePackage, setup } from "./setup.mjs";

const { version: VERSION } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

const node = (tool, ...args) => run(process.execPath, [toolPath(tool), ...args]) === 0;
const cargo = (...args) => {
  return rustMissing() ?? run("cargo", args) === 0;
};

/** Each returns true, false, or the reason why it was skipped. */
const CHECKS = {
  // Formatter, linter and the layer rules of biome.json, whose own test is __test__/layers/.
  biome: () => node("biome", "ci", "--error-on-warnings", "--colors=off"),
  types: () => node("tsc", "--noEmit"),
  unused: () => node("knip", "--no-progress"),
  package: checkPackage,
  links: () => run(process.execPath, ["scripts/check-links.mjs"]) === 0,
  rustfmt: () => cargo("fmt", "--all", "--check"),
  clippy: () => cargo("clippy", "--workspace", "--all-targets", "--", "-D", "warnings"),
  workflows: checkWorkflows,
};

/** Judges the tarball that npm would publish, not the checkout. */
function checkPackage() {
  const out = join(ROOT, "staging", "check");
  const packed =
    compilePackage() &&
    run(process.execPath, ["scripts/pack.mjs", "--main-only", "--out", out]) === 0;
  if (!packed) return false;
  const tarball = join(out, `mp2p-${VERSION}.tgz`);
  const published = node("publint", tarball, "--strict");
  return node("attw", tarball, "--profile", "esm-only", "--no-color") && published;
}

/** actionlint from PATH, or built by Go, pinned. */
function checkWorkflows() {
  if (!existsSync(join(ROOT, ".github", "workflows"))) return false;
  if (outputOf("actionlint", ["-version"]) !== undefined) return run("actionlint", []) === 0;
  if (outputOf("go", ["version"]) === undefined) return "neither actionlint nor Go";
  return run("go", ["run", ACTIONLINT]) === 0;
}

const asked = process.argv.slice(2);
if (asked[0] === "--list") {
  console.log(Object.keys(CHECKS).join("\n"));
} else {
  const unknown = asked.filter((name) => !(name in CHECKS));
  if (unknown.length > 0) throw new RangeError(`no such check: ${unknown.join(", ")}`);
  if (!existsSync(join(ROOT, "node_modules")) && !setup()) process.exit(1);
  process.exitCode = runChecks(asked.length > 0 ? asked : Object.keys(CHECKS)) ? 0 : 1;
}

function runChecks(names) {
  const failed = [];
  for (const name of names) {
    const start = performance.now();
    const outcome = CHECKS[name]();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    if (outcome === true) say(`check ${name}: ok, ${seconds} s`);
    else if (outcome === false) say(`check ${name}: FAILED, ${seconds} s`);
    else say(`check ${name}: SKIPPED: ${outcome}`);
    if (outcome === false) failed.push(name);
  }
  if (failed.length > 0) say(`failed: ${failed.join(", ")}`);
  return failed.length === 0;
}
