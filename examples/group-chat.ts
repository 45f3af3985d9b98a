/**
 * A chat for everybody on the network who knows the secret. Each line goes out once, however many read it.
 *
 *   MP2P_CHAT_SECRET=… node group-chat.js NAME
 */
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { Endpoint, Identity } from "../src/index.ts";

const [name = "somebody"] = process.argv.slice(2);
let { MP2P_CHAT_SECRET: secret } = process.env;
if (secret === undefined) {
  secret = randomBytes(16).toString("hex");
  console.log(`MP2P_CHAT_SECRET=${secret}   (give this to the others)`);
}
await using endpoint = await Endpoint.open({ identity: await Identity.generate() });
await using group = await endpoint.openGroup({ name: "chat", secret, reliable: true });

group.on("joined", ({ keyText }) => console.log(`+ ${keyText.slice(0, 8)}`));
group.on("left", ({ keyText }, why) => console.log(`- ${keyText.slice(0, 8)} ${why}`));
void (async () => {
  for await (const { data, lost } of group) {
    if (lost > 0) console.log(`(${lost} messages missed)`);
    console.log(new TextDecoder().decode(data));
  }
})();

for await (const line of createInterface({ input: process.stdin })) {
  await group.send(new TextEncoder().encode(`${name}: ${line}`));
}
