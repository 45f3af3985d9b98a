/**
 * Sends files and folders, or receives them, at the speed of the machine.
 *
 *   node file-transfer.js receive DIR          prints a ticket, then takes what comes
 *   node file-transfer.js send TICKET PATH…
 */
import { Endpoint, Identity, receiveFiles, sendFiles, type Transfer } from "../src/index.ts";

const [mode, target, ...paths] = process.argv.slice(2);
if (target === undefined || (mode === "send") !== paths.length > 0) {
  throw new Error("usage: file-transfer receive DIR | send TICKET PATH…");
}
await using endpoint = await Endpoint.open({ identity: await Identity.generate() });

if (mode === "send") {
  const session = await endpoint.connect(target);
  await report(sendFiles(session, paths));
} else {
  console.log(endpoint.ticket());
  for await (const session of endpoint.sessions()) {
    await report(receiveFiles(session, target));
    break;
  }
}

async function report(transfer: Transfer): Promise<void> {
  for await (const event of transfer) {
    if (event.type === "file") console.log(event.result, event.name, event.why ?? "");
  }
  const { bytes, seconds, partial } = await transfer.done;
  console.log(
    `${bytes} bytes in ${seconds.toFixed(2)} s, ${(bytes / seconds / 1e6).toFixed(0)} MB/s`,
  );
  if (partial) process.exitCode = 1;
}
