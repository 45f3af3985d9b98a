import process from "node:process";
import test from "ava";
import {
  type BackendChoice,
  backendNote,
  causeChain,
  selectBackend,
} from "../../src/backend/select.ts";

const BEFORE = process.env.MP2P_BACKEND;

test.afterEach.always(() => {
  if (BEFORE === undefined) delete process.env.MP2P_BACKEND;
  else process.env.MP2P_BACKEND = BEFORE;
});

test.serial("the environment decides where the caller does not", async (t) => {
  process.env.MP2P_BACKEND = "fallback";
  const backend = await selectBackend();
  t.is(backend.name, "fallback");
  t.is(await selectBackend("fallback"), backend, "one a process");
});

test.serial("an unknown choice is an error that names the three", async (t) => {
  const choice = "fast" as BackendChoice;
  const error = await t.throwsAsync(selectBackend(choice), { code: "MP2P_USAGE" });
  t.regex((error as { hint?: string }).hint ?? "", /auto, native or fallback/);
  process.env.MP2P_BACKEND = "fast";
  await t.throwsAsync(selectBackend(), { code: "MP2P_USAGE" });
});

test.serial(
  "native or nothing where native is asked for; auto says why it took another",
  async (t) => {
    delete process.env.MP2P_BACKEND;
    const auto = await selectBackend("auto");
    if (auto.name === "native") {
      t.is(backendNote(auto), undefined);
      t.is((await selectBackend("native")).name, "native");
      return;
    }
    t.regex(backendNote(auto) ?? "", /^native backend missing: ./);
    const error = await t.throwsAsync(selectBackend("native"), { code: "MP2P_BACKEND_MISSING" });
    t.true(error?.cause instanceof Error);
  },
);

test.serial("a chain of causes is told once each, from the outside in", (t) => {
  const inner = new Error("no such file\nRequire stack: …");
  const middle = new Error("cannot load it: no such file", { cause: inner });
  const outer = new Error("no backend", { cause: middle });
  t.is(causeChain(outer), "no backend; because cannot load it: no such file");
});
