/** Subjects side by side: every round measures each of them once, so all meet the same weather. */
import { NotMeasured } from "./child.ts";

export interface Samples {
  /** One value a round, in the unit of the figure. */
  readonly values: readonly number[];
  /** Their median, or their worst where the goal is a ceiling that must hold each time. */
  readonly value: number;
}

/** A subject that failed in any round has no figure, only the reason. */
export type Outcome = Samples | { readonly missing: string };

export const ROUNDS = 3;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export async function sideBySide<Name extends string>(
  subjects: Readonly<Record<Name, () => Promise<number>>>,
  rounds: number = ROUNDS,
): Promise<Record<Name, Outcome>> {
  const names = Object.keys(subjects) as Name[];
  const values = new Map<Name, number[]>(names.map((name) => [name, []]));
  const missing = new Map<Name, string>();
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      if (missing.has(name)) continue;
      try {
        values.get(name)?.push(await subjects[name]());
      } catch (error) {
        missing.set(name, reason(error));
      }
    }
  }
  const outcome = (name: Name): Outcome => {
    const why = missing.get(name);
    if (why !== undefined) return { missing: why };
    const taken = values.get(name) ?? [];
    return { values: taken, value: median(taken) };
  };
  return Object.fromEntries(names.map((name) => [name, outcome(name)])) as Record<Name, Outcome>;
}

/** A figure that is not repeated, or whose repetition lies inside the subject. */
export async function once(take: () => Promise<number>): Promise<Outcome> {
  return (await sideBySide({ it: take }, 1)).it;
}

/** The largest sample, for what must hold in every round. */
export function worst(values: readonly number[]): Outcome {
  if (values.length === 0) return { missing: "no round ended" };
  return { values, value: Math.max(...values) };
}

export function reason(error: unknown): string {
  if (error instanceof NotMeasured) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
