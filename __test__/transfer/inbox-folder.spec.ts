import { rmdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { Inbox } from "../../src/transfer/inbox.ts";
import { Target } from "../../src/transfer/target.ts";

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
