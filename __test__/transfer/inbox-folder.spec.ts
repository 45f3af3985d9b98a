import { rmdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { Mp2pError } from "../../src/base/errors.ts";
import { Inbox } from "../../src/transfer/inbox.ts";
import { receiveFiles } from "../../src/transfer/receive.ts";
import { sendFiles } from "../../src/transfer/send.ts";
import { Target } from "../../src/transfer/target.ts";
import { memoryPair, scratch } from "./support.ts";

test("a transfer that ends and takes the folder of all transfers away does not end one that begins", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "mp2p-inbox-"));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const target = await Target.open(directory);
  t.teardown(() => target.close());
  const above = await target.folder(".mp2p", 0o700);
  above?.release();
  rmdirSync(join(directory, ".mp2p"));
  const inbox = await Inbox.open(target, "ab", new Uint8Array(16), true);
  t.truthy(inbox);
  await inbox?.close();
});

/** A receiver that has looked at its folder and waits for an offer. */
async function waiting(t: ExecutionContext) {
  const place = await scratch(t);
  const into = join(place, "in");
  await mkdir(into);
  await writeFile(join(place, "file"), "content");
  const { sender, receiver } = memoryPair({ consumable: true });
  let hasLooked = false;
  const { streams } = receiver;
  const looks = {
    ...receiver,
    streams: (service?: string) => {
      hasLooked = true;
      return streams(service);
    },
  };
  const receiving = receiveFiles(looks, into);
  while (!hasLooked) await turn();
  return { place, into, sender, receiving };
}

for (const fate of ["moved", "removed"] as const) {
  test(`a folder that is ${fate} while its receiver waits for an offer is made anew, and gets the files`, async (t) => {
    const { place, into, sender, receiving } = await waiting(t);
    if (fate === "moved") await rename(into, join(place, "yesterday"));
    else await rm(into, { recursive: true });
    const sent = await sendFiles(sender, [join(place, "file")]).done;
    await receiving.done;
    t.is(sent.files, 1);
    t.deepEqual(await readdir(into), ["file"]);
    if (fate === "moved") t.deepEqual(await readdir(join(place, "yesterday")), []);
  });
}

test("a sender is told that the receiver's folder cannot be opened, and not where that is", async (t) => {
  const { place, into, sender, receiving } = await waiting(t);
  rmdirSync(into);
  await writeFile(into, "a file");
  const sending = sendFiles(sender, [join(place, "file")]).done;
  const told = await t.throwsAsync(sending, { instanceOf: Mp2pError, code: "MP2P_TARGET" });
  t.is(told?.message, "the peer ended the transfer: it cannot open its folder");
  const own = await t.throwsAsync(receiving.done, { code: "MP2P_TARGET" });
  t.true(own?.message.includes(into));
});
