/** How long from `connect(key)` to a session, when nothing but the key is known and both are on one LAN? */
import { fileURLToPath } from "node:url";

import type { Message } from "./children/speak.ts";
import { Lan } from "./lan.ts";
import { absolute, type Row } from "./row.ts";
import { median, type Outcome, reason } from "./samples.ts";
import { FINDS } from "./sizes.ts";
import type { Subject } from "./subject.ts";

const CHILD = fileURLToPath(new URL("./children/mp2p-find.js", import.meta.url));
const TIMEOUT_MS = 120_000;

export const find: Subject = {
  name: "find",
  question: `connect(key) to the session, by key alone, two namespaces on a bridge, ${FINDS} fresh endpoints`,
  async run(): Promise<Row[]> {
    return [await take("clean", 0, 500), await take("30 % loss at both", 300, 1500)];
  },
};

async function take(what: string, perMille: number, atMost: number): Promise<Row> {
  const { ours, note } = await measure(perMille);
  return absolute(
    { figure: `peer found by key, ${what}, median`, unit: "ms", ours, note },
    { atMost },
  );
}

/** Every connect is a sample: the median counts, the slowest is told. */
async function measure(perMille: number): Promise<{ ours: Outcome; note: string }> {
  try {
    const { times, rungs } = await connects(perMille);
    const slowest = Math.max(...times);
    const note = `slowest ${slowest.toFixed(0)} ms; ${[...new Set(rungs)].join(", ")}`;
    return { ours: { values: times, value: median(times) }, note };
  } catch (error) {
    return { ours: { missing: reason(error) }, note: "" };
  }
}

async function connects(perMille: number): Promise<{ times: number[]; rungs: string[] }> {
  const lan = Lan.make(2);
  const start = (host: number, task: object) =>
    lan.start(host, process.execPath, [CHILD, JSON.stringify(task)]);
  const children: ReturnType<typeof start>[] = [];
  try {
    for (const host of [0, 1]) lan.lose(host, perMille);
    const serving = start(0, { role: "serve" });
    children.push(serving);
    const { key } = await serving.next("ready");
    const asking = start(1, { role: "ask", key, count: FINDS });
    children.push(asking);
    const done = await Promise.race([asking.next("done", TIMEOUT_MS), serving.failure]);
    return valuesOf(done);
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    lan.close();
  }
}

function valuesOf({ times, rungs }: Message): { times: number[]; rungs: string[] } {
  return { times: times as number[], rungs: rungs as string[] };
}
