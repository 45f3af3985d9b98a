/** What share of a simulated link does one stream get, and how do two share it? */
import type { Row } from "./row.ts";
import type { Subject } from "./subject.ts";

export const simulated: Subject = {
  name: "simulated",
  question: "Simulated 100 Mbit/s, 50 ms round trip, 250 kB queue",
  run: async (): Promise<Row[]> => [],
};
