/**
 * `npm run bench [-- NAME…]`: every subject beside its peers in the same run. Prints its table and
 * writes it, with every sample, to bench/.results/NAME.json for bench/report.ts.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { machine } from "./machine.ts";
import type { Result } from "./run.ts";
import { changedSizes } from "./sizes.ts";
import { SUBJECTS } from "./subjects.ts";
import { terminalTable } from "./table.ts";

const RESULTS = fileURLToPath(new URL("../../bench/.results/", import.meta.url));

const names = process.argv.slice(2);
const unknown = names.filter((name) => !SUBJECTS.some((subject) => subject.name === name));
if (unknown.length > 0) {
  const known = SUBJECTS.map((subject) => subject.name).join(", ");
  console.error(`No benchmark is named ${unknown.join(", ")}. There are: ${known}.`);
  process.exit(2);
}

const where = machine();
const changed = changedSizes();
console.log(`${where.processor}, ${where.cores} cores, ${where.system}, Node ${where.node}`);
if (where.loadBefore > 0.5) {
  console.log(
    `The machine is busy (load ${where.loadBefore.toFixed(1)}): the figures are worth little.`,
  );
}
if (changed.length > 0) console.log(`Sizes are not the standard ones: ${changed.join(", ")}.`);

mkdirSync(RESULTS, { recursive: true });
const verdicts: string[] = [];
for (const subject of SUBJECTS) {
  if (names.length > 0 && !names.includes(subject.name)) continue;
  console.log(`\n${subject.question}`);
  const rows = await subject.run();
  console.log(terminalTable(rows));
  verdicts.push(...rows.map((row) => row.verdict));
  const { name, question } = subject;
  const result: Result = { machine: where, changedSizes: changed, name, question, rows };
  writeFileSync(`${RESULTS}${name}.json`, `${JSON.stringify(result, null, 2)}\n`);
}

const count = (verdict: string): number => verdicts.filter((one) => one === verdict).length;
console.log(
  `\n${count("met")} met, ${count("missed")} missed, ${count("not measured")} not measured`,
);
