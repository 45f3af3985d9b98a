import type { Machine } from "./machine.ts";
import type { Row } from "./row.ts";

/** Everything one subject found, as in bench/.results/NAME.json. */
export interface Result {
  readonly machine: Machine;
  /** Empty where the goals apply. */
  readonly changedSizes: readonly string[];
  /** Of the subject: repeats it with `npm run bench -- NAME`. */
  readonly name: string;
  readonly question: string;
  readonly rows: readonly Row[];
}
