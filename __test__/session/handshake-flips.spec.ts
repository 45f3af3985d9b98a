/**
 * Every bit of every handshake packet flipped: no session with an altered choice, no state change,
 * and the honest handshake still completes. One bit a byte in `npm test`, all of them in the soak.
 */
import process from "node:process";
import test from "ava";
import { Initiator } from "../../src/session/handshake-initiator.ts";
import { answerInit } from "../../src/session/handshake-responder.ts";
import { complete, need, partiesOf, SCENARIOS } from "../support/handshake-scenario.ts";
import { testPrimitives } from "../support/primitives.ts";

const BITS = process.env.MP2P_SOAK === "1" ? [0, 1, 2, 3, 4, 5, 6, 7] : undefined;
const MAC1_AT = 352;

function* flips(packet: Uint8Array): Iterable<{ at: number; bit: number; forged: Uint8Array }> {
  for (let at = 0; at < packet.length; at++) {
    for (const bit of BITS ?? [at % 8]) {
      const forged = packet.slice();
      forged[at] = (forged[at] as number) ^ (1 << bit);
      yield { at, bit, forged };
    }
  }
}

for (const [backend, primitives] of await testPrimitives()) {
  for (const scenario of SCENARIOS.filter(({ name }) => name.endsWith("suite 2"))) {
    test(`${backend}: ${scenario.name}: no flipped bit alters a session or stops one`, (t) => {
      const honest = complete(primitives, scenario);
      const { initiator, dial, responder, answer } = partiesOf(primitives, scenario);
      const dialler = new Initiator(initiator, dial);

      for (const { at, bit, forged } of flips(honest.init)) {
        const reply = answerInit(responder, forged, answer);
        const result = reply && dialler.response(reply.response);
        if (at < MAC1_AT) t.is(result, undefined, `INIT byte ${at} bit ${bit}`);
        else
          t.deepEqual(
            result?.established,
            honest.initiator,
            `INIT byte ${at}: macs are the filter's`,
          );
      }
      t.deepEqual(dialler.init(), honest.init);

      for (const { at, bit, forged } of flips(honest.answer.response)) {
        t.is(dialler.response(forged), undefined, `RESP byte ${at} bit ${bit}`);
      }
      const reply = need(answerInit(responder, dialler.init(), answer), "no answer");
      const result = need(dialler.response(reply.response), "RESP refused");
      t.deepEqual(result.established, honest.initiator);

      if (reply.pending === undefined) {
        t.deepEqual(reply.established, honest.responder);
        return;
      }
      const fin = need(result.fin, "no FIN");
      t.deepEqual(fin, honest.fin);
      for (const { at, bit, forged } of flips(fin)) {
        t.is(reply.pending.finish(forged), undefined, `FIN byte ${at} bit ${bit}`);
      }
      t.deepEqual(reply.pending.finish(fin), honest.responder);
    });
  }
}
