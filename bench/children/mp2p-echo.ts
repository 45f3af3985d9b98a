/** 32 bytes there and back on one open stream of mp2p. */
import { Endpoint, Identity } from "../../src/index.ts";

import { roundTrips } from "./round-trips.ts";
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
  for await (const session of endpoint.sessions()) {
    for await (const stream of session.streams()) {
      stream.on("data", (request: Uint8Array) => stream.write(request));
    }
  }
}

async function ask(): Promise<void> {
  const session = await endpoint.connect(ticket);
  const stream = await session.openStream();
  let missing = 0;
  let answered = (): void => {};
  stream.on("data", (answer: Uint8Array) => {
    missing -= answer.length;
    if (missing === 0) answered();
  });
  const times = await roundTrips(
    (request) =>
      new Promise((resolve) => {
        missing = request.length;
        answered = resolve;
        stream.write(request);
      }),
    count,
  );
  say({ t: "done", ...times });
  process.exit(0);
}
