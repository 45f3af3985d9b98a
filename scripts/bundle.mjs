/**
 * Writes dist/*.js: the library and the CLI as a few files that share chunks. Loading two hundred
 * small modules takes Node longer than everything else a short command does.
 */
import { chmodSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "./run.mjs";

const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ["src/index.ts", "src/cli/main.ts"],
  outdir: "dist",
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  packages: "external",
  metafile: true,
  logLevel: "warning",
});
chmodSync(join(ROOT, "dist/cli/main.js"), 0o755);

// Chunks of an earlier build: their names hold a hash.
for (const file of readdirSync(join(ROOT, "dist"), { recursive: true })) {
  const path = `dist/${file.replaceAll("\\", "/")}`;
  if (path.endsWith(".js") && !(path in metafile.outputs)) rmSync(join(ROOT, path));
}
