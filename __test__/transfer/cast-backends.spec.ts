/** Casts between backends: the sender's cipher may be one that a receiver has not. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { castFiles } from "../../src/transfer/cast-files.ts";
import { receiveCast } from "../../src/transfer/receive-cast.ts";
import { openEndpoint } from "../endpoint/pair.ts";
import { availableKinds } from "../support/backends.ts";
import { noise, scratch } from "./support.ts";

const kinds = await availableKinds();

for (const from of kinds)
  test(`a cast of ${from} goes to receivers of ${kinds.join(" and ")}, with or without its cipher`, async (t) => {
    const source = join(await scratch(t), "file");
    await writeFile(source, noise(1_500_000, 9));
    const sender = await openEndpoint(t, { backend: from });
    const cast = await castFiles(sender, [source], { minReceivers: kinds.length });
    await Promise.all(
      kinds.map(async (backend) => {
        const into = await scratch(t);
        const receiver = await openEndpoint(t, { backend });
        await receiveCast(receiver, cast.ticket, into).done;
        t.true((await readFile(join(into, "file"))).equals(await readFile(source)));
      }),
    );
    t.is((await cast.done).receivers.length, kinds.length);
  });
