/** Who is let in, where answers come in an order nobody chose. */
import test from "ava";
import { deferred } from "../../src/base/deferred.ts";
import { Admission } from "../../src/endpoint/admission.ts";
import { Doorkeeper } from "../../src/endpoint/doorkeeper.ts";
import type { Driver } from "../../src/endpoint/driver.ts";
import type { Session } from "../../src/endpoint/session.ts";
import type { Stream } from "../../src/endpoint/stream.ts";
import { loadBackend } from "../support/backends.ts";

const KEY = new Uint8Array(32).fill(7);

test("only the answer `true` opens the door", async (t) => {
  const answers: unknown[] = ["no", 1, {}, [], undefined, null, Promise.resolve("yes")];
  for (const answer of answers) {
    const admission = new Admission(() => answer as boolean);
    t.false(await admission.allows(KEY), String(answer));
  }
  t.true(await new Admission(async () => true).allows(KEY));
});

test("a token that is shown while the program is still asked about the key lets its bearer in", async (t) => {
  const { primitives } = await loadBackend("fallback");
  const answer = deferred<boolean>();
  const admission = new Admission(() => answer.promise);
  const token = admission.offer(primitives, 1000);
  const log: string[] = [];
  const driver = { unixMs: () => 0, after: () => () => undefined } as unknown as Driver;
  const doorkeeper = new Doorkeeper(admission, driver, () => log.push("admitted"));
  const session = {
    peer: { key: KEY },
    admittedByOffer: () => undefined,
    refuse: () => void log.push("refused"),
  } as unknown as Session;
  const knocking = doorkeeper.knock(session);
  await doorkeeper.redeem(session, [token] as unknown as Stream);
  answer.resolve(false);
  await knocking;
  t.deepEqual(log, ["admitted"]);
});
