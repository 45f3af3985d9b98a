/**
 * `node build/bench/report.js`: writes the figures of the last run into docs/BENCHMARKS.md, so that
 * the document says what was measured and nothing else. Refuses a run that was partial or had
 * changed sizes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { Row } from "./row.ts";
import type { Result, Run } from "./run.ts";
import { SUBJECTS } from "./subjects.ts";
import { markdownTable } from "./table.ts";

const RESULTS = fileURLToPath(new URL("../../bench/.results/latest.json", import.meta.url));
const DOCUMENT = fileURLToPath(new URL("../../docs/BENCHMARKS.md", import.meta.url));
const BEGIN = "<!-- figures: begin, written by bench/report.ts -->";
const END = "<!-- figures: end -->";

const run = JSON.parse(readFileSync(RESULTS, "utf8")) as Run;
const missing = SUBJECTS.filter(({ name }) => !run.results.some((result) => result.name === name));
if (missing.length > 0) refuse(`it lacks ${missing.map(({ name }) => name).join(", ")}`);
if (run.changedSizes.length > 0) refuse(`its sizes were changed: ${run.changedSizes.join(", ")}`);

const document = readFileSync(DOCUMENT, "utf8");
const [before, rest] = document.split(BEGIN);
const after = rest?.split(END)[1];
if (before === undefined || after === undefined)
  throw new Error(`${DOCUMENT} has lost its markers`);
writeFileSync(DOCUMENT, `${before}${BEGIN}\n\n${figures(run)}\n\n${END}${after}`);

function refuse(why: string): never {
  console.error(`The last run cannot be published: ${why}. Run \`npm run bench\` whole.`);
  process.exit(2);
}

function figures({ machine, results }: Run): string {
  const where =
    `Taken ${machine.takenAt} at commit ${machine.commit}: ${machine.processor}, ${machine.cores} cores, ` +
    `${machine.memoryGigabytes} GB, ${machine.system}, Node ${machine.node}; ` +
    `load average before the run ${machine.loadBefore.toFixed(2)}.`;
  return [where, ...results.map(section)].join("\n\n");
}

function section({ name, question, rows }: Result): string {
  const samples = [...new Set(rows.flatMap(samplesOf))];
  return [
    `### ${question}`,
    `\`npm run bench -- ${name}\``,
    markdownTable(rows),
    ...(samples.length > 0 ? [`Samples: ${samples.join("; ")}.`] : []),
  ].join("\n\n");
}

function samplesOf({ figure, unit, values, peer, peerValues }: Row): string[] {
  const list = (name: string, numbers: readonly number[] | undefined): string[] =>
    numbers === undefined || numbers.length < 2
      ? []
      : [`${name} ${numbers.map((number) => Number(number.toPrecision(3))).join(", ")} ${unit}`];
  return [...list(figure, values), ...list(peer ?? "", peerValues)];
}
