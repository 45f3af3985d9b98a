/** Both sides of one transfer in a process that is meant to be killed. Prints confirmed bytes. */
import { receiveFiles } from "../../src/transfer/receive.ts";
import { sendFiles } from "../../src/transfer/send.ts";
import { memoryPair } from "./support.ts";

const [from, into, journal] = process.argv.slice(2) as [string, string, string];
const { sender, receiver } = memoryPair();
const receiving = receiveFiles(receiver, into);
const sending = sendFiles(sender, [from], { journal });
for await (const event of sending) {
  if (event.type === "progress") process.stdout.write(`${event.bytes} ${event.confirmed}\n`);
}
await receiving.done;
