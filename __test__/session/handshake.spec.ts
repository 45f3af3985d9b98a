/** What the two roles promise each other, on every backend. */
import test from "ava";
import { SUITE_AES_256_GCM, SUITE_CHACHA20_POLY1305 } from "../../src/backend/port.ts";
import { Identity } from "../../src/noise/identity.ts";
import { ANY_INSTANCE, addressee } from "../../src/noise/macs.ts";
import { VerifiedStatics } from "../../src/noise/verified-statics.ts";
import { isHighestCommon } from "../../src/session/handshake.ts";
import { Initiator } from "../../src/session/handshake-initiator.ts";
import { answerInit } from "../../src/session/handshake-responder.ts";
import { sameInit, versionNegotiation } from "../../src/wire/handshake-packets.ts";
import {
  bytes,
  complete,
  cookiePacket,
  need,
  partiesOf,
  SCENARIOS,
  type Scenario,
} from "../support/handshake-scenario.ts";
import { testPrimitives } from "../support/primitives.ts";

const scenarioOf = (name: string): Scenario =>
  need(
    SCENARIOS.find((each) => each.name === name),
    name,
  );
const IK = scenarioOf("IK, suite 1");
const XX = scenarioOf("XX, suite 1");
const LOW_ORDER = new Uint8Array(32);

const backends = await testPrimitives();

for (const [backend, primitives] of backends) {
  for (const scenario of SCENARIOS) {
    test(`${backend}: ${scenario.name}: both ends hold the same keys and know each other`, (t) => {
      const { initiator, responder, init, answer, fin } = complete(primitives, scenario);
      const parties = partiesOf(primitives, scenario);

      t.deepEqual(initiator.sendKeys, responder.receiveKeys);
      t.deepEqual(initiator.receiveKeys, responder.sendKeys);
      t.notDeepEqual(initiator.sendKeys.key, initiator.receiveKeys.key);
      t.deepEqual(initiator.exporter, responder.exporter);
      t.deepEqual(responder.sendKeys.cid, parties.dial.localCid);
      t.deepEqual(initiator.sendKeys.cid, parties.answer.localCid);

      t.deepEqual(initiator.peerKey, parties.responder.identity.key);
      t.deepEqual(initiator.peerStatic, parties.responder.identity.staticPublic);
      t.deepEqual(initiator.peerInstance, parties.answer.instance);
      t.deepEqual(responder.peerKey, parties.initiator.identity.key);
      t.deepEqual(responder.peerStatic, parties.initiator.identity.staticPublic);
      t.deepEqual(responder.peerInstance, parties.dial.instance);

      t.deepEqual(initiator.peerLimits, parties.responder.limits);
      t.deepEqual(responder.peerLimits, parties.initiator.limits);
      t.is(initiator.epoch, responder.epoch);
      t.is(initiator.observed, scenario.responder.observed);
      t.is(scenario.name, `${scenario.name.split(",")[0]}, suite ${initiator.suite}`);
      t.is(responder.suite, initiator.suite);
      t.deepEqual([init.length, answer.response.length, fin?.length ?? 256], [384, 320, 256]);
    });
  }

  test(`${backend}: an IK answer raises the epoch, and one that lowers it is refused`, (t) => {
    t.is(complete(primitives, IK).initiator.epoch, 9);
    const { responder, answer, initiator, dial } = partiesOf(primitives, IK);
    const lower = { ...answer, epochFor: () => 6 };
    const dialler = new Initiator(initiator, dial);
    const { response } = need(answerInit(responder, dialler.init(), lower), "no answer");
    t.is(dialler.response(response), undefined);
  });

  test(`${backend}: a FIN of an epoch that is over gets no session`, (t) => {
    const over = { ...XX, responder: { ...XX.responder, epoch: 8 } };
    t.throws(() => complete(primitives, over), { message: "FIN refused" });
  });

  test(`${backend}: a cookie puts mac2 into an INIT that is otherwise the same`, (t) => {
    const { initiator, responder, dial } = partiesOf(primitives, XX);
    const dialler = new Initiator(initiator, dial);
    const cookie = bytes(XX.cookie.cookie);
    const before = dialler.init();
    t.deepEqual(before.subarray(368), new Uint8Array(16));

    const { cookieKey } = addressee(
      primitives,
      responder.identity.key,
      responder.network,
      ANY_INSTANCE,
    );
    const packet = cookiePacket(primitives, cookieKey, before, cookie, new Uint8Array(24));
    for (let at = 0; at < packet.length; at++) {
      const forged = packet.slice();
      forged[at] = (forged[at] as number) ^ 1;
      t.false(dialler.cookie(forged), `byte ${at}`);
    }
    t.deepEqual(dialler.init(), before);
    t.true(dialler.cookie(packet));
    const after = dialler.init();
    t.true(sameInit(before, after));
    const mac2 = primitives.hmacSha512(cookie, after.subarray(0, 368)).subarray(0, 16);
    t.deepEqual(after.subarray(368), mac2);
  });

  test(`${backend}: an INIT for another key, network or room gets no session`, (t) => {
    const honest = partiesOf(primitives, XX);
    const roomIk = partiesOf(primitives, scenarioOf("IKpsk2, suite 1"));
    const roomXx = partiesOf(primitives, scenarioOf("XXpsk3, suite 1"));
    const stranger = new Identity(primitives, new Uint8Array(32).fill(9));
    const otherKey = { ...honest.responder, identity: stranger };
    const otherNetwork = { ...honest.responder, network: new Uint8Array(16).fill(1) };
    for (const [why, party] of Object.entries({ otherKey, otherNetwork })) {
      const dialler = new Initiator(honest.initiator, honest.dial);
      const answer = need(answerInit(party, dialler.init(), honest.answer), why);
      t.is(dialler.response(answer.response), undefined, `XX, ${why}`);
      const ik = partiesOf(primitives, IK);
      const other = {
        ...party,
        network: why === "otherNetwork" ? party.network : ik.responder.network,
      };
      const init = new Initiator(ik.initiator, ik.dial).init();
      t.is(answerInit(other, init, ik.answer), undefined, `IK, ${why}`);
    }
    for (const { initiator, dial, responder, answer } of [roomIk, roomXx]) {
      const init = new Initiator(initiator, dial).init();
      const { psk: _, ...open } = responder;
      t.is(answerInit(open, init, answer), undefined, "a member calls one without the secret");
    }
    const { psk: _, ...outsider } = roomXx.initiator;
    t.is(
      answerInit(roomXx.responder, new Initiator(outsider, roomXx.dial).init(), roomXx.answer),
      undefined,
    );
  });

  test(`${backend}: who guesses the room secret learns only that it is wrong`, (t) => {
    for (const name of ["IKpsk2, suite 1", "XXpsk3, suite 1"]) {
      const { initiator, dial, responder, answer } = partiesOf(primitives, scenarioOf(name));
      const dialler = new Initiator({ ...initiator, psk: new Uint8Array(32) }, dial);
      const reply = need(answerInit(responder, dialler.init(), answer), name);
      const result = dialler.response(reply.response);
      t.is(reply.pending?.finish(result?.fin ?? new Uint8Array(0)), undefined, name);
      if (name.startsWith("IK")) t.is(result, undefined);
    }
  });

  test(`${backend}: an identity that does not own the static key is refused, whoever sends it`, (t) => {
    const thief = (party: { identity: Identity }, victim: Identity): Identity =>
      Object.create(party.identity, {
        key: { value: victim.key },
        staticSignature: { value: victim.staticSignature },
        staticKeyPair: { value: party.identity.staticKeyPair },
        staticPublic: { value: party.identity.staticPublic },
      });
    for (const scenario of [IK, XX]) {
      const { initiator, dial, responder, answer } = partiesOf(primitives, scenario);
      const victim = new Identity(primitives, new Uint8Array(32).fill(9));
      const caller = new Initiator({ ...initiator, identity: thief(initiator, victim) }, dial);
      const reply = answerInit(responder, caller.init(), answer);
      const fin = reply && caller.response(reply.response)?.fin;
      t.is(
        reply?.established ?? reply?.pending?.finish(need(fin, "no FIN")),
        undefined,
        scenario.name,
      );
    }
    const { initiator, dial, responder, answer } = partiesOf(primitives, XX);
    const mallory = new Identity(primitives, new Uint8Array(32).fill(9));
    const impostor = { ...responder, identity: thief({ identity: mallory }, responder.identity) };
    const dialler = new Initiator(initiator, dial);
    const reply = need(answerInit(impostor, dialler.init(), answer), "no answer");
    t.is(dialler.response(reply.response), undefined);
  });

  test(`${backend}: who is not allowed gets no answer by IK and no session by XX`, (t) => {
    const ik = partiesOf(primitives, IK);
    const init = new Initiator(ik.initiator, ik.dial).init();
    t.is(answerInit(ik.responder, init, { ...ik.answer, allow: () => false }), undefined);
    const xx = partiesOf(primitives, XX);
    const dialler = new Initiator(xx.initiator, xx.dial);
    const seen: Uint8Array[] = [];
    const allow = (key: Uint8Array) => seen.push(key) === 0;
    const reply = need(
      answerInit(xx.responder, dialler.init(), { ...xx.answer, allow }),
      "no answer",
    );
    const { fin } = need(dialler.response(reply.response), "RESP refused");
    t.is(reply.pending?.finish(need(fin, "no FIN")), undefined);
    t.deepEqual(seen, [xx.initiator.identity.key]);
  });

  test(`${backend}: keys of low order are refused on either side`, (t) => {
    const { initiator, dial, responder, answer } = partiesOf(primitives, IK);
    const weak = () => new Initiator(initiator, { ...dial, peerStatic: LOW_ORDER });
    t.throws(weak, { code: "MP2P_WEAK_KEY" });
    const xx = partiesOf(primitives, XX);
    for (const { parties, party } of [
      { parties: { initiator, dial, answer }, party: responder },
      { parties: xx, party: xx.responder },
    ]) {
      const init = new Initiator(parties.initiator, parties.dial).init();
      init.set(LOW_ORDER, 12);
      t.is(answerInit(party, init, parties.answer), undefined);
    }
    const dialler = new Initiator(xx.initiator, xx.dial);
    const reply = need(
      answerInit(xx.responder, dialler.init(), xx.answer),
      "no answer",
    ).response.slice();
    reply.set(LOW_ORDER, 20);
    t.is(dialler.response(reply), undefined);
  });

  test(`${backend}: AES-256-GCM is chosen where both have it, and a choice not offered is refused`, (t) => {
    const both = complete(primitives, scenarioOf("XX, suite 2"));
    t.is(both.initiator.suite, SUITE_AES_256_GCM);
    t.is(complete(primitives, XX).initiator.suite, SUITE_CHACHA20_POLY1305);
    const { initiator, dial, responder, answer } = partiesOf(primitives, scenarioOf("XX, suite 2"));
    const none = { ...responder, suites: [] };
    t.is(answerInit(none, new Initiator(initiator, dial).init(), answer), undefined);
  });

  test(`${backend}: a binding verified once is not verified again, and a forged one never is`, (t) => {
    let verifies = 0;
    const counting = Object.create(primitives, {
      ed25519Verify: {
        value: (...args: Parameters<typeof primitives.ed25519Verify>) => {
          verifies++;
          return primitives.ed25519Verify(...args);
        },
      },
    });
    const statics = new VerifiedStatics(2);
    const people = [1, 2, 3].map((seed) => new Identity(primitives, new Uint8Array(32).fill(seed)));
    const [alice, bob, carol] = people as [Identity, Identity, Identity];
    const verify = (who: Identity, signature = who.staticSignature) =>
      statics.verify(counting, who.key, who.staticPublic, signature);
    t.false(verify(alice, bob.staticSignature));
    t.true(verify(alice) && verify(alice) && verify(bob) && verify(alice) && verify(carol));
    t.is(verifies, 4);
    t.is(statics.size, 2);
    t.true(verify(alice), "used last but one, so kept");
    t.is(verifies, 4);
    t.true(verify(bob), "forgotten, so verified anew");
    t.is(verifies, 5);
  });
}

test("a version below the highest that both speak is a downgrade", (t) => {
  t.true(isHighestCommon(1, [1], [1]));
  t.true(isHighestCommon(1, [1, 2], [1]));
  t.true(isHighestCommon(2, [1, 2], [1, 2]));
  t.false(isHighestCommon(1, [1, 2], [1, 2]));
  t.false(isHighestCommon(1, [2], [1]));
  t.false(isHighestCommon(1, [], [1]));
});

test("VERNEG names other versions only, is for this INIT only, and is shorter than it", (t) => {
  const [, primitives] = need(backends[0], "no backend");
  const { initiator, dial } = partiesOf(primitives, XX);
  const dialler = new Initiator(initiator, dial);
  const init = dialler.init();
  const packet = versionNegotiation(init, [2, 3]);
  t.deepEqual(packet, Uint8Array.of(0x54, 0, 2, 0, ...init.subarray(4, 12), 2, 3));
  t.deepEqual(dialler.versions(packet), [2, 3]);
  t.is(dialler.versions(versionNegotiation(init, [1, 2])), undefined);
  for (const at of [0, 1, 2, 3, 4, 11]) {
    const forged = packet.slice();
    forged[at] = (forged[at] as number) ^ 1;
    t.is(dialler.versions(forged), undefined, `byte ${at}`);
  }
  t.is(dialler.versions(packet.subarray(0, 13)), undefined);
});
