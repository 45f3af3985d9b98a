/**
 * `serve` waits with its key; `ask` opens a fresh endpoint again and again, which knows nothing but that
 * key, and times from `connect(key)` to the session.
 */
import { Endpoint, Identity } from "../../src/index.ts";

import { say, task } from "./speak.ts";

const { role, key, count } = task<{ role: "serve" | "ask"; key: string; count: number }>();

if (role === "serve") await serve();
else await ask();

async function serve(): Promise<void> {
  const endpoint = await Endpoint.open({ identity: await Identity.generate() });
  say({ t: "ready", key: endpoint.keyText });
  for await (const session of endpoint.sessions()) void session.closed;
}

async function ask(): Promise<void> {
  const times: number[] = [];
  const rungs: string[] = [];
  for (let n = 0; n < count; n++) {
    const endpoint = await Endpoint.open({ identity: await Identity.generate() });
    const started = performance.now();
    const session = await endpoint.connect(key);
    times.push(performance.now() - started);
    rungs.push(session.path.kind);
    await endpoint.close();
  }
  say({ t: "done", times, rungs });
  process.exit(0);
}
