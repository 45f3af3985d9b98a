/** Rows as text: aligned for a terminal, Markdown for docs/BENCHMARKS.md. */
import type { Row } from "./row.ts";

const HEADINGS = ["figure", "mp2p", "peer", "ratio", "goal", "verdict"] as const;

export function terminalTable(rows: readonly Row[]): string {
  const lines = [HEADINGS.map(String), ...rows.map(cells)];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const body = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [...body, ...notes(rows).map((note) => `  ${note}`)].join("\n");
}

export function markdownTable(rows: readonly Row[]): string {
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  const table = [
    line(HEADINGS),
    line(HEADINGS.map(() => "---")),
    ...rows.map((row) => line(cells(row))),
  ];
  const remarks = notes(rows).map((note) => `- ${note}`);
  return [...table, ...(remarks.length > 0 ? ["", ...remarks] : [])].join("\n");
}

function cells(row: Row): string[] {
  return [
    row.figure,
    row.value === undefined ? "not measured" : quantity(row.value, row.unit),
    row.peer === undefined
      ? ""
      : `${row.peer} ${row.peerValue === undefined ? "not measured" : quantity(row.peerValue, row.unit)}`,
    row.ratio === undefined ? "" : significant(row.ratio),
    row.goal,
    row.verdict,
  ];
}

/** Each note once, with the figures it is about. */
function notes(rows: readonly Row[]): string[] {
  const figures = new Map<string, Set<string>>();
  for (const { figure, note } of rows) {
    if (note !== undefined) figures.set(note, (figures.get(note) ?? new Set()).add(figure));
  }
  return [...figures].map(([note, about]) => `${[...about].join("; ")}: ${note}`);
}

function quantity(value: number, unit: string): string {
  return `${significant(value)} ${unit}`;
}

/** Three significant digits, no exponent: more would claim what no run repeats. */
function significant(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
