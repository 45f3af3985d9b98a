/**
 * A member of a group in a process of its own. Input: `send COUNT BYTES`, `close`. It prints who joins and
 * leaves, and for every hundredth message, and every large one, how many came from whom and how many were lost.
 */
import { createInterface } from "node:readline";
import { toZbase32 } from "../../src/base/zbase32.ts";
import { Endpoint } from "../../src/endpoint/endpoint.ts";
import type { GroupOptions } from "../../src/endpoint/group-options.ts";
import { Identity } from "../../src/endpoint/identity.ts";

const LARGE = 10_000;
const { reliable }: Pick<GroupOptions, "reliable"> = JSON.parse(process.argv[2] ?? "{}");
const secret = "only-for-this-test-0123456789";
const endpoint = await Endpoint.open({ identity: await Identity.generate() });
const group = await endpoint.openGroup({ secret, ...(reliable === undefined ? {} : { reliable }) });

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function listen(): Promise<void> {
  const heard = new Map<string, { count: number; lost: number; next: number; wrong: number }>();
  for await (const { from, seq, lost, data } of group) {
    const name = toZbase32(from);
    const told = heard.get(name) ?? { count: 0, lost: 0, next: seq, wrong: 0 };
    heard.set(name, told);
    if (seq !== told.next + lost || !isRight(data)) told.wrong++;
    told.next = seq + 1;
    told.count++;
    told.lost += lost;
    if (told.count % 100 === 0 || data.length >= LARGE)
      say(`heard ${name} ${told.count} lost ${told.lost} wrong ${told.wrong}`);
  }
}

/** Every byte follows from the length. */
function isRight(data: Uint8Array): boolean {
  return data.every((byte, at) => byte === ((at * 31 + data.length) & 0xff));
}

say(`ready ${endpoint.keyText}`);
group.on("joined", ({ keyText }) => say(`joined ${keyText}`));
group.on("left", ({ keyText }, why) => say(`left ${keyText} ${why}`));
void listen();

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, count = "", bytes = ""] = line.split(" ");
  if (verb === "close") {
    await group.close();
    await endpoint.close();
    process.exit(0);
  }
  const before = endpoint.counters().packetsSent;
  const data = Uint8Array.from({ length: Number(bytes) }, (_, at) => at * 31 + Number(bytes));
  for (let sent = 0; sent < Number(count); sent++) await group.send(data);
  await new Promise<void>((resolve) => group.engine.whenFlushed(resolve));
  const copies = group.engine.members.filter(({ deaf }) => deaf).length;
  say(
    `sent ${count} ${bytes} packets ${endpoint.counters().packetsSent - before} copies ${copies}`,
  );
}
