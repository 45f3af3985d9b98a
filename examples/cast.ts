/**
 * Sends files to any number of receivers at once: each byte leaves once, however many they are.
 *
 *   node cast.js receive DIR [TICKET]      without a ticket: what senders in MP2P_TRUSTED (keys) announce
 *   node cast.js send RECEIVERS PATH…      prints its key and a ticket, begins when so many are there
 */
import { castFiles, Endpoint, Identity, receiveCast } from "../src/index.ts";

const [mode, target = "", ...rest] = process.argv.slice(2);
if (!(mode === "send" && rest.length > 0) && !(mode === "receive" && target !== "")) {
  throw new Error("usage: cast send RECEIVERS PATH… | receive DIR [TICKET]");
}
await using endpoint = await Endpoint.open({ identity: await Identity.generate() });

if (mode === "send") {
  const options = { minReceivers: Number(target), admit: "open" } as const;
  await using cast = await castFiles(endpoint, rest, options);
  console.log(endpoint.keyText, cast.ticket);
  for await (const { receivers, complete, slowest, total } of cast) {
    if (process.stdout.isTTY)
      console.log(`${complete} of ${receivers} done, ${slowest} of ${total}`);
  }
  const { receivers, bytes, seconds, wireBytes } = await cast.done;
  const missed = receivers.filter(({ outcome }) => outcome !== "complete");
  for (const { outcome, why } of missed) console.log(outcome, why);
  console.log(`${bytes} bytes to ${receivers.length - missed.length} in ${seconds.toFixed(2)} s`);
  console.log(`${wireBytes} bytes left this machine`);
  process.exitCode = missed.length === 0 ? 0 : 1;
} else {
  const trusted = process.env.MP2P_TRUSTED?.split(",") ?? [];
  const from = rest[0] ?? (await firstOf(endpoint.casts({ trusted })));
  const { files, bytes, partial } = await receiveCast(endpoint, from, target).done;
  console.log(`${files} files, ${bytes} bytes`);
  process.exitCode = partial ? 1 : 0;
}

async function firstOf<T>(items: AsyncIterable<T>): Promise<T> {
  for await (const item of items) return item;
  throw new Error("nothing was announced");
}
