/** Receiver of a cast in a process that is meant to be killed. Prints blocks that were written. */
import { castFiles } from "../../src/transfer/cast-files.ts";
import { receiveCast } from "../../src/transfer/receive-cast.ts";
import { memoryCast } from "./memory-cast.ts";

const [from, into] = process.argv.slice(2) as [string, string];
const { sender, receiver } = memoryCast({ blockBytes: 181_248 });
const { ticket } = await castFiles(sender, [from]);
for await (const event of receiveCast(receiver, ticket, into)) {
  if (event.type === "progress") process.stdout.write(`${event.confirmed}\n`);
}
