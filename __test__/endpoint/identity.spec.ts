import { isAbsolute } from "node:path";
import test from "ava";
import { homeFolder } from "../../src/endpoint/identity.ts";

test("an identity never lies in the current folder, not even where HOME is empty", (t) => {
  for (const name of ["HOME", "XDG_CONFIG_HOME", "MP2P_HOME"]) process.env[name] = "";
  t.true(isAbsolute(homeFolder()), homeFolder());
});
