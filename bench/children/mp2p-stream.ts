/** One stream of mp2p; the backend is MP2P_BACKEND's. */
import { Endpoint, Identity } from "../../src/index.ts";

import { Meter } from "./meter.ts";
import { pour } from "./pour.ts";
import { say, task } from "./speak.ts";

const { role, ticket, seconds, writeBytes, lends } = task<{
  role: "receive" | "send";
  ticket: string;
  seconds: number;
  writeBytes: number;
  lends?: boolean;
}>();

const endpoint = await Endpoint.open({
  identity: await Identity.generate(),
  bind: ["127.0.0.1:0"],
});
if (role === "receive") await receive();
else await send();

async function receive(): Promise<void> {
  say({ t: "ready", ticket: endpoint.ticket() });
  for await (const session of endpoint.sessions()) {
    for await (const stream of session.streams()) {
      const meter = new Meter();
      stream.consume((bytes) => {
        meter.count(bytes.length);
      });
      stream.on("end", () => {
        say({ t: "done", ...meter.rate(), ...session.stats() });
        process.exit(0);
      });
    }
  }
}

async function send(): Promise<void> {
  const session = await endpoint.connect(ticket);
  const stream = await session.openStream();
  pour(stream, seconds, writeBytes, lends ? (chunk) => stream.lend(chunk) : undefined);
  await session.closed;
}
