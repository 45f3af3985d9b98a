import { existsSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { makeWithParents } from "../../src/endpoint/make-with-parents.ts";
import { scratch } from "../transfer/support.ts";

test("a folder is made with its parents, by several at once, and one that is there is left", async (t) => {
  const root = await scratch(t);
  const path = join(root, "a", "b", "c");
  await Promise.all(Array.from({ length: 8 }, () => makeWithParents(path, 0o700)));
  await makeWithParents(`${path}/`, 0o755);
  for (const each of [path, join(root, "a")]) t.is(statSync(each).mode & 0o777, 0o700, each);
  symlinkSync(path, join(root, "link"));
  await makeWithParents(join(root, "link", "d"));
  t.true(existsSync(join(path, "d")));
});

test("what is in the way is the system's error", async (t) => {
  const root = await scratch(t);
  writeFileSync(join(root, "file"), "");
  await t.throwsAsync(makeWithParents(join(root, "file")), { code: "EEXIST" });
  await t.throwsAsync(makeWithParents(join(root, "file", "a", "b")), { code: "ENOTDIR" });
});

const hasProc = existsSync("/proc/self");
(hasProc ? test : test.skip)(
  "a folder that takes no new ones is an error, not an end of time",
  async (t) => {
    t.timeout(10_000);
    await t.throwsAsync(makeWithParents("/proc/mp2p/a"), {
      code: "ENOENT",
      message: /\/proc\/mp2p'/,
    });
  },
);
