/**
 * `node build/bench/report.js`: writes the last figures of every subject into docs/BENCHMARKS.md, so that
 * the document says what was measured and nothing else, and names what was not. Refuses changed sizes.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Machine } from "./machine.ts";
import type { Row } from "./row.ts";
import type { Result } from "./run.ts";
import { SUBJECTS } from "./subjects.ts";
import { markdownTable } from "./table.ts";

const RESULTS = fileURLToPath(new URL("../../bench/.results/", import.meta.url));
const DOCUMENT = fileURLToPath(new URL("../../docs/BENCHMARKS.md", import.meta.url));
const BEGIN = "<!-- figures: begin, written by bench/report.ts -->";
const END = "<!-- figures: end -->";

const fileOf = (name: string): string => `${RESULTS}${name}.json`;
const taken = SUBJECTS.filter(({ name }) => existsSync(fileOf(name)));
const missing = SUBJECTS.filter((subject) => !taken.includes(subject));
const results = taken.map(({ name }) => JSON.parse(readFileSync(fileOf(name), "utf8")) as Result);
const changed = results.filter(({ changedSizes }) => changedSizes.length > 0);
if (changed.length > 0)
  refuse(`sizes were changed of ${changed.map(({ name }) => name).join(", ")}`);

const document = readFileSync(DOCUMENT, "utf8");
const [before, rest] = document.split(BEGIN);
const after = rest?.split(END)[1];
if (before === undefined || after === undefined)
  throw new Error(`${DOCUMENT} has lost its markers`);
writeFileSync(DOCUMENT, `${before}${BEGIN}\n\n${figures()}\n\n${END}${after}`);

function figures(): string {
  const names = missing.map(({ name }) => `\`${name}\``).join(", ");
  const rest = missing.length === 0 ? [] : [`Not taken yet: ${names}.`];
  return [...results.map(section), ...rest].join("\n\n");
}

function refuse(why: string): never {
  console.error(`The figures cannot be published: ${why}. Run \`npm run bench -- NAME…\`.`);
  process.exit(2);
}

function section({ name, question, rows, machine }: Result): string {
  const samples = [...new Set(rows.flatMap(samplesOf))];
  return [
    `### ${question}`,
    `\`npm run bench -- ${name}\`, ${takenOn(machine)}`,
    markdownTable(rows),
    ...(samples.length > 0 ? [`Samples: ${samples.join("; ")}.`] : []),
  ].join("\n\n");
}

function takenOn({ takenAt, commit, processor, cores, memoryGigabytes, ...rest }: Machine): string {
  const { system, node, loadBefore } = rest;
  return (
    `taken ${takenAt} at commit ${commit}: ${processor}, ${cores} cores, ${memoryGigabytes} GB, ` +
    `${system}, Node ${node}, load before ${loadBefore.toFixed(2)}`
  );
}

function samplesOf({ figure, unit, values, peer, peerValues }: Row): string[] {
  const list = (name: string, numbers: readonly number[] | undefined): string[] =>
    numbers === undefined || numbers.length < 2
      ? []
      : [`${name} ${numbers.map((number) => Number(number.toPrecision(3))).join(", ")} ${unit}`];
  return [...list(figure, values), ...list(peer ?? "", peerValues)];
}
