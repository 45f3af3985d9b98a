/** What do a thousand idle sessions cost the one endpoint that holds them? */
import { setTimeout as sleep } from "node:timers/promises";

import { type Child, startScript } from "./child.ts";
import { cpuSeconds, rssBytes } from "./proc.ts";
import { absolute, type Row } from "./row.ts";
import { type Outcome, reason } from "./samples.ts";
import { IDLE_SECONDS, IDLE_SESSIONS } from "./sizes.ts";
import type { Subject } from "./subject.ts";

/** Handshakes leave garbage and timers behind; the sessions are idle after that. */
const SETTLE_MS = 3000;
const DIAL_TIMEOUT_MS = 180_000;

interface Cost {
  readonly megabytes: number;
  readonly cpuPercent: number;
}

export const idleSessions: Subject = {
  name: "idle-sessions",
  question: `${IDLE_SESSIONS} idle sessions on one native endpoint, ${IDLE_SECONDS} s`,
  async run(): Promise<Row[]> {
    const outcome = await cost().catch((error: unknown) => ({ missing: reason(error) }));
    const one = (pick: (cost: Cost) => number): Outcome =>
      "missing" in outcome ? outcome : { values: [pick(outcome)], value: pick(outcome) };
    return [
      absolute(
        { figure: "idle sessions, memory", unit: "MB", ours: one((it) => it.megabytes) },
        { atMost: 40 },
      ),
      absolute(
        { figure: "idle sessions, CPU", unit: "%", ours: one((it) => it.cpuPercent) },
        { atMost: 2 },
      ),
    ];
  },
};

async function cost(): Promise<Cost> {
  const server = startScript(
    "mp2p-idle",
    { role: "serve", sessions: IDLE_SESSIONS },
    { env: { MP2P_BACKEND: "native" } },
  );
  let dialler: Child | undefined;
  try {
    const { ticket } = await server.next("ready");
    await sleep(SETTLE_MS);
    const before = rssBytes(server.pid);
    // A thousand native endpoints would be a thousand threads; the dialling side is not measured.
    dialler = startScript(
      "mp2p-idle",
      { role: "dial", ticket, sessions: IDLE_SESSIONS },
      { env: { MP2P_BACKEND: "fallback" } },
    );
    await dialler.next("dialled", DIAL_TIMEOUT_MS);
    await sleep(SETTLE_MS);
    const usedBefore = cpuSeconds(server.pid);
    await sleep(IDLE_SECONDS * 1000);
    return {
      megabytes: (rssBytes(server.pid) - before) / 1e6,
      cpuPercent: ((cpuSeconds(server.pid) - usedBefore) / IDLE_SECONDS) * 100,
    };
  } finally {
    await Promise.all([dialler?.stop(), server.stop()]);
  }
}
