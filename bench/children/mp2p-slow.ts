/** A stream whose reader takes 1 MB a second, and a writer that writes whenever it is let. */
import { Endpoint, Identity } from "../../src/index.ts";

import { say, task } from "./speak.ts";

const WRITE_BYTES = 64 * 1024;

const { role, ticket, bytesPerSecond } = task<{
  role: "read" | "write";
  ticket: string;
  bytesPerSecond: number;
}>();

const endpoint = await Endpoint.open({
  identity: await Identity.generate(),
  bind: ["127.0.0.1:0"],
});
if (role === "read") await read();
else await write();

async function read(): Promise<void> {
  say({ t: "ready", ticket: endpoint.ticket() });
  for await (const session of endpoint.sessions()) {
    for await (const stream of session.streams()) {
      let taken = 0;
      const started = performance.now();
      for await (const chunk of stream) {
        taken += (chunk as Uint8Array).length;
        say({ t: "taken", bytes: taken });
        const due = started + (taken / bytesPerSecond) * 1000;
        await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
      }
    }
  }
}

async function write(): Promise<void> {
  const session = await endpoint.connect(ticket);
  const stream = await session.openStream();
  const chunk = new Uint8Array(WRITE_BYTES).fill(0x5a);
  let given = 0;
  for (;;) {
    given += chunk.length;
    if (!stream.write(chunk)) {
      say({ t: "given", bytes: given });
      await new Promise((resolve) => stream.once("drain", resolve));
    }
  }
}
