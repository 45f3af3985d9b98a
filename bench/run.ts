import type { Machine } from "./machine.ts";
import type { Row } from "./row.ts";

/** Everything one run found, as in bench/.results/latest.json. */
export interface Run {
  readonly machine: Machine;
  /** Empty where the goals apply. */
  readonly changedSizes: readonly string[];
  readonly results: readonly Result[];
}

export interface Result {
  /** Of the subject: repeats it with `npm run bench -- NAME`. */
  readonly name: string;
  readonly question: string;
  readonly rows: readonly Row[];
}
