/** One line of the table: a figure, what it is held against, and whether the goal is met. */
import type { Outcome } from "./samples.ts";

export type Verdict = "met" | "missed" | "not measured";

export interface Row {
  readonly figure: string;
  readonly unit: string;
  /** Median of `values`. */
  readonly value?: number;
  readonly values?: readonly number[];
  /** What the figure is held against; absent for an absolute goal. */
  readonly peer?: string;
  readonly peerValue?: number;
  readonly peerValues?: readonly number[];
  /** Figure divided by the peer's. */
  readonly ratio?: number;
  readonly goal: string;
  readonly verdict: Verdict;
  /** Why it was not measured, or what one must know to read it. */
  readonly note?: string;
}

export interface Bound {
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Figure {
  readonly figure: string;
  readonly unit: string;
  readonly ours: Outcome;
  readonly note?: string;
}

/** Held against a fixed number in the figure's own unit. */
export function absolute(figure: Figure, bound: Bound): Row {
  const goal = `${wordOf(bound)} ${figure.unit}`;
  const { ours } = figure;
  if ("missing" in ours) {
    const note = [ours.missing, ...(figure.note === undefined ? [] : [figure.note])].join("; ");
    return { ...base(figure), goal, verdict: "not measured", note };
  }
  return {
    ...base(figure),
    value: ours.value,
    values: ours.values,
    goal,
    verdict: judge(ours.value, bound),
  };
}

/** Held against a peer measured in the same run. */
export function relative(figure: Figure, peer: string, theirs: Outcome, bound: Bound): Row {
  const goal = `${wordOf(bound)} × ${peer}`;
  const { ours } = figure;
  const oursPart = "missing" in ours ? {} : { value: ours.value, values: ours.values };
  const peerPart =
    "missing" in theirs ? { peer } : { peer, peerValue: theirs.value, peerValues: theirs.values };
  const row = { ...base(figure), ...oursPart, ...peerPart, goal };
  if ("missing" in ours || "missing" in theirs) {
    const reasons = [
      ...("missing" in ours ? [ours.missing] : []),
      ...("missing" in theirs ? [`${peer}: ${theirs.missing}`] : []),
    ];
    return { ...row, verdict: "not measured", note: reasons.join("; ") };
  }
  const ratio = ours.value / theirs.value;
  return { ...row, ratio, verdict: judge(ratio, bound) };
}

function base({ figure, unit, note }: Figure): { figure: string; unit: string; note?: string } {
  return note === undefined ? { figure, unit } : { figure, unit, note };
}

function judge(value: number, { atLeast, atMost }: Bound): Verdict {
  const met =
    (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
  return met ? "met" : "missed";
}

function wordOf({ atLeast, atMost }: Bound): string {
  if (atLeast !== undefined && atMost !== undefined) return `${atLeast} to ${atMost}`;
  return atLeast !== undefined ? `≥ ${atLeast}` : `≤ ${atMost}`;
}
