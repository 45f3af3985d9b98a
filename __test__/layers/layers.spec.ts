import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test from "ava";
import { ALLOWED_IMPORTS, VIOLATIONS } from "./violations.ts";

interface Diagnostic {
  readonly category: string;
  readonly location: { readonly path: string };
}

/** Runs the project's own lint configuration over files in a folder of their own. */
async function lint(files: ReadonlyMap<string, string>): Promise<readonly Diagnostic[]> {
  const place = await mkdtemp(join(tmpdir(), "mp2p-layers-"));
  try {
    for (const name of ["biome.json", ".gitignore", "scripts"]) {
      await cp(resolve(name), join(place, name), { recursive: true });
    }
    await symlink(resolve("node_modules"), join(place, "node_modules"), "junction");
    for (const [path, source] of files) {
      await mkdir(join(place, path, ".."), { recursive: true });
      await writeFile(join(place, path), source);
    }
    const options = [
      "ci",
      "--colors=off",
      "--reporter=json",
      "--max-diagnostics=none",
      "src",
      "__test__",
      "bench",
    ];
    const report = JSON.parse(await biome(options, place)) as { diagnostics: Diagnostic[] };
    return report.diagnostics;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

function biome(options: readonly string[], cwd: string): Promise<string> {
  const program = resolve("node_modules/@biomejs/biome/bin/biome");
  const limits = { cwd, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((done) => {
    execFile(process.execPath, [program, ...options], limits, (_, stdout) => done(stdout));
  });
}

/** The other half of the import cycle; correct files that make the imports of others resolve. */
const COMPANIONS: readonly (readonly [string, string])[] = [
  [
    "src/wire/cycle-back.ts",
    'import { a } from "./cycle.ts";\nexport const b = (): number => a();\n',
  ],
  ["src/wire/frames.ts", "export const a = 1;\n"],
];

test("each rule reports the source that breaks it", async (t) => {
  const indexFiles = VIOLATIONS.filter(({ name }) => name === "index.ts");
  const others = VIOLATIONS.filter(({ name }) => name !== "index.ts");
  // src/index.ts can only be one file at a time: its violations are written into it together.
  const index = indexFiles.map(({ source }) => source).join("");
  const placed = others.map((violation, at) => ({
    ...violation,
    path: `${violation.folder}/${violation.name ?? `case-${at}.ts`}`,
  }));
  const files = new Map([...COMPANIONS, ["src/index.ts", index] as const]);
  for (const { path, source } of placed) files.set(path, source);

  const reported = await lint(files);
  const unreported = placed.filter(
    ({ path, rule }) => !reported.some((o) => o.location.path === path && o.category === rule),
  );
  t.deepEqual(
    unreported.map(({ what, rule }) => `${what}: ${rule}`),
    [],
  );
  const inIndex = reported.filter(
    ({ category, location }) =>
      location.path === "src/index.ts" && category === "lint/style/noRestrictedImports",
  );
  t.is(inIndex.length, indexFiles.length, indexFiles.map(({ what }) => what).join(", "));
});

test("what the table of layers allows is not reported", async (t) => {
  const files = new Map<string, string>([
    ["src/index.ts", 'export { a } from "./base/bytes.ts";\n'],
  ]);
  for (const [folder, imports] of Object.entries(ALLOWED_IMPORTS)) {
    for (const [at, from] of imports.entries()) {
      files.set(`${folder}/case-${at}.ts`, `export { a } from "${from}";\n`);
    }
  }
  const reported = await lint(files);
  t.deepEqual(
    reported.map(({ category, location }) => `${location.path}: ${category}`),
    [],
  );
});

test("every folder of src has violations here", async (t) => {
  const folders = (await readdir("src", { withFileTypes: true })).filter((one) =>
    one.isDirectory(),
  );
  const covered = new Set(VIOLATIONS.map(({ folder }) => folder));
  for (const { name } of folders) t.true(covered.has(`src/${name}`), name);
});
