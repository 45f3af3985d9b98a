/** How long does a 32-byte request and its answer take on an open stream? */
import { type Row, relative } from "./row.ts";
import { sideBySide } from "./samples.ts";
import { REQUESTS } from "./sizes.ts";
import type { Subject } from "./subject.ts";
import { twoSided } from "./two-sided.ts";

export const request: Subject = {
  name: "request",
  question: "32-byte request and response on an open stream, two processes, median",
  async run(): Promise<Row[]> {
    const outcomes = await sideBySide({
      mp2p: () => medianMicroseconds("mp2p-echo", { MP2P_BACKEND: "native" }),
      dgram: () => medianMicroseconds("dgram-echo"),
    });
    const figure = { figure: "request and response", unit: "µs", ours: outcomes.mp2p };
    return [relative(figure, "bare dgram echo", outcomes.dgram, { atMost: 1.5 })];
  },
};

async function medianMicroseconds(
  script: string,
  env: Record<string, string> = {},
): Promise<number> {
  const done = await twoSided(script, {
    first: { role: "serve" },
    second: { role: "ask", count: REQUESTS },
    reporter: "second",
    env,
  });
  return Number(done.medianMicroseconds);
}
