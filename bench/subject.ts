import type { Row } from "./row.ts";

/** One question about speed or size, with the rows that answer it. */
export interface Subject {
  /** Given to `npm run bench -- NAME`. */
  readonly name: string;
  readonly question: string;
  /** Never rejects for a figure that could not be taken: its row says why. */
  run(): Promise<Row[]>;
}
