/** Every relative link of the documents leads to a file, and every #fragment to a heading. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ROOT } from "./run.mjs";

const documents = ["README.md", "CHANGELOG.md", ...list("docs")].map((name) => join(ROOT, name));
let links = 0;
let broken = 0;
for (const document of documents) {
  if (!existsSync(document)) continue;
  for (const [, target] of proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    links++;
    const problem = problemOf(document, target);
    if (problem === undefined) continue;
    broken++;
    console.error(`${relative(ROOT, document)}: ${target}: ${problem}`);
  }
}
console.log(`${links} links in ${documents.length} documents, ${broken} broken`);
process.exitCode = broken === 0 ? 0 : 1;

function list(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
}

/** The text without its code blocks. */
function proseOf(document) {
  return readFileSync(document, "utf8").replace(/^```[\s\S]*?^```/gm, "");
}

function problemOf(document, target) {
  const [path, fragment] = target.split("#");
  const file = path === "" ? document : join(dirname(document), decodeURIComponent(path));
  if (!existsSync(file)) return "no such file";
  if (fragment === undefined || statSync(file).isDirectory()) return undefined;
  const anchors = [...proseOf(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    anchorOf(heading),
  );
  return anchors.includes(fragment) ? undefined : "no such heading";
}

/** The fragment that the usual Markdown viewers give a heading. */
function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}
