/**
 * One endpoint that is dialled, and a process with as many endpoints as it takes to dial it, each on
 * a loopback address of its own, as a thousand peers would be.
 */
import { Endpoint, Identity } from "../../src/index.ts";

import { loopbackAddress } from "./loopback.ts";
import { say, task } from "./speak.ts";

/** Dialled at once: within what an endpoint admits without asking for cookies. */
const AT_ONCE = 8;

const { role, ticket, sessions } = task<{
  role: "serve" | "dial";
  ticket: string;
  sessions: number;
}>();

if (role === "serve") await serve();
else await dial();

async function serve(): Promise<void> {
  const endpoint = await Endpoint.open({
    identity: await Identity.generate(),
    bind: ["127.0.0.1:0"],
  });
  say({ t: "ready", ticket: endpoint.ticket() });
  const held = [];
  for await (const session of endpoint.sessions()) {
    held.push(session);
    if (held.length === 1 || held.length === sessions) say({ t: "held", sessions: held.length });
  }
}

async function dial(): Promise<void> {
  let left = sessions;
  const held = [];
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const endpoint = await Endpoint.open({
        identity: await Identity.generate(),
        bind: [`${loopbackAddress(left)}:0`],
      });
      held.push(await endpoint.connect(ticket));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  say({ t: "dialled", sessions });
}
