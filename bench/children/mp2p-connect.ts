/**
 * Connects again and again to a peer whose static key it knows from a first connection (so by IK),
 * and times from the call to the first byte of an answer: two round trips, all keys, one stream.
 */
import { Endpoint, Identity } from "../../src/index.ts";

import { say, task } from "./speak.ts";

const { role, ticket, count } = task<{ role: "serve" | "ask"; ticket: string; count: number }>();

const endpoint = await Endpoint.open({
  identity: await Identity.generate(),
  bind: ["127.0.0.1:0"],
});
if (role === "serve") await serve();
else await ask();

async function serve(): Promise<void> {
  say({ t: "ready", ticket: endpoint.ticket() });
  for await (const session of endpoint.sessions()) void answer(session);
}

async function answer(session: Awaited<ReturnType<Endpoint["connect"]>>): Promise<void> {
  for await (const stream of session.streams()) {
    stream.on("data", (request: Uint8Array) => stream.end(request));
    stream.on("error", () => {});
  }
}

async function ask(): Promise<void> {
  await connectOnce();
  const times: number[] = [];
  for (let n = 0; n < count; n++) times.push(await connectOnce());
  times.sort((a, b) => a - b);
  say({ t: "done", medianMs: times[times.length >> 1], slowestMs: times.at(-1) });
  process.exit(0);
}

async function connectOnce(): Promise<number> {
  const started = performance.now();
  const session = await endpoint.connect(ticket);
  const stream = await session.openStream();
  const first = new Promise((resolve) => stream.once("data", resolve));
  stream.write(Uint8Array.of(0x5a));
  await first;
  const took = performance.now() - started;
  await session.close();
  return took;
}
