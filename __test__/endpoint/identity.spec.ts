import fs, { mkdtemp, readFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import test from "ava";
import { homeFolder, Identity } from "../../src/endpoint/identity.ts";

test("an identity never lies in the current folder, not even where HOME is empty", (t) => {
  for (const name of ["HOME", "XDG_CONFIG_HOME", "MP2P_HOME"]) process.env[name] = "";
  t.true(isAbsolute(homeFolder()), homeFolder());
});

test.serial(
  "an identity that was made counts, also where its draft cannot be removed",
  async (t) => {
    const home = await mkdtemp(join(tmpdir(), "mp2p-identity-"));
    const { rm } = fs;
    const cannot = async () => Promise.reject(new Error("EIO: made to fail"));
    Object.assign(fs, { rm: cannot });
    syncBuiltinESMExports();
    t.teardown(async () => {
      Object.assign(fs, { rm });
      syncBuiltinESMExports();
      await rm(home, { recursive: true });
    });
    await t.notThrowsAsync(Identity.load({ home }));
    t.regex(await readFile(join(home, "identity"), "utf8"), /^mp2p/);
  },
);
