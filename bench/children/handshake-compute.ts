/** The responder's computation alone, in one process: INIT in, RESP and session keys out. */

import { selectBackend } from "../../src/backend/select.ts";
import { Identity } from "../../src/index.ts";
import { answerInit } from "../../src/session/handshake-responder.ts";

import { initBy, partyOf, strangers } from "./inits.ts";
import { say, task } from "./speak.ts";

const WARM_UP_SHARE = 0.2;

const { count } = task<{ count: number }>();
const { primitives } = await selectBackend();
const identity = await Identity.generate();
const party = await partyOf(identity);
const responder = { key: identity.key, staticKey: identity.staticPublic };
const inits = (await strangers(count)).map((stranger) => initBy(stranger, responder));
const instance = primitives.randomBytes(8);

const warm = Math.floor(count * WARM_UP_SHARE);
let started = 0;
for (const [n, init] of inits.entries()) {
  if (n === warm) started = performance.now();
  const answer = answerInit(party, init, {
    localCid: primitives.randomBytes(8),
    instance,
    ephemeral: primitives.randomBytes(32),
    epochFor: (_key, _instance, offered) => offered,
  });
  if (answer?.established === undefined) throw new Error(`INIT ${n} was not accepted`);
}
say({ t: "done", perSecond: ((count - warm) / (performance.now() - started)) * 1000 });
