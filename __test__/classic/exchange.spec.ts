/** Client and server without sockets: what is lost, late, doubled or answered as the original answers. */
import test from "ava";
import fc from "fast-check";
import { ascii, equalBytes } from "../../src/base/bytes.ts";
import {
  openSessionData,
  parseSessionData,
  writeSessionData,
} from "../../src/classic/session-data.ts";
import {
  parseSessionInitiation,
  writeSessionInitiation,
} from "../../src/classic/session-initiation.ts";
import { Identity } from "../../src/noise/identity.ts";
import {
  CLIENT_GROUP,
  CLIENT_SOURCE,
  converse,
  identity,
  lab,
  newClient,
  present,
  REPLY,
  seeded,
  TEXT,
} from "./support.ts";

test("a client declares, initiates, speaks and is answered", (t) => {
  const all = lab();
  const { declaration, initiation, answer, data, reply } = converse(all);
  t.deepEqual(
    [declaration, initiation, answer, data, reply].map((bytes) => [bytes[0], bytes.length]),
    [
      [0, 115],
      [1, 177],
      [1, 177],
      [2, 45 + TEXT.length],
      [2, 45 + REPLY.length],
    ],
  );
  t.deepEqual(all.client.takeAnswer(), REPLY);
  t.is(all.client.takeAnswer(), undefined);
  t.deepEqual(all.heard, [{ peer: all.clientIdentity.key, text: TEXT }]);
  t.deepEqual(all.client.poll(0), { send: [], wakeAtMs: Number.POSITIVE_INFINITY });
  t.deepEqual(all.server.drops.toJSON(), {});
});

test("a session carries one message after the other", (t) => {
  const all = lab();
  converse(all);
  for (const text of ["two", "three"]) {
    all.client.takeAnswer();
    all.client.say(ascii(text), 5);
    const { send } = all.client.poll(5);
    t.is(send.length, 1, "no new session");
    all.client.handle(present(all.server.handle(present(send[0]), CLIENT_SOURCE, 5)).bytes, 5);
    t.deepEqual(all.client.takeAnswer(), REPLY);
  }
  t.throws(() => {
    all.client.say(TEXT, 6);
    all.client.say(TEXT, 6);
  });
});

test("every message is heard once, whatever is lost or doubled", (t) => {
  const fate = fc.array(fc.constantFrom("lost", "once", "twice"), { minLength: 60, maxLength: 60 });
  const property = fc.property(fate, (fates) => {
    const all = lab();
    let step = 0;
    const copies = () => ({ lost: 0, once: 1, twice: 2 })[fates[step++] ?? "once"];
    all.client.say(TEXT, 0);
    let nowMs = 0;
    for (let round = 0; round < 100; round++) {
      const { send, wakeAtMs } = all.client.poll(nowMs);
      const answers = send.flatMap((bytes) =>
        Array.from({ length: copies() }, () => all.server.handle(bytes, CLIENT_SOURCE, nowMs)),
      );
      for (const answer of answers) {
        if (answer === undefined) continue;
        t.is(answer.to, CLIENT_GROUP);
        for (let copy = copies(); copy > 0; copy--) all.client.handle(answer.bytes, nowMs);
      }
      const got = all.client.takeAnswer();
      if (got !== undefined) {
        t.deepEqual(got, REPLY);
        break;
      }
      if (send.length === 0) nowMs = wakeAtMs;
    }
    t.is(all.heard.length, 1);
  });
  fc.assert(property, { numRuns: process.env.MP2P_SOAK === "1" ? 2000 : 60 });
});

test("a server that makes a new key for every initiation, as the original does, is understood", (t) => {
  const serverIdentity = identity("server");
  const client = newClient(identity("client"), serverIdentity.key);
  client.say(TEXT, 0);
  const initiation = present(parseSessionInitiation(present(client.poll(0).send[1])));
  const { randomBytes, x25519, x25519PublicKey } = seeded("original");
  let key: Uint8Array = new Uint8Array(0);
  const answer = () => {
    const secret = randomBytes(32);
    key = present(x25519(secret, initiation.ephemeral));
    const { sessionId, source: destination } = initiation;
    const fields = { sessionId, destination, ephemeral: x25519PublicKey(secret) };
    return writeSessionInitiation(fields, serverIdentity);
  };
  const [first, second] = [answer(), answer()];
  client.handle(first, 1);
  const early = present(parseSessionData(present(client.poll(1).send[0])));
  t.is(openSessionData(key, early), undefined, "sealed under the key the server forgot");
  client.handle(second, 2);
  client.handle(first, 2);
  const late = present(parseSessionData(present(client.poll(2).send[0])));
  t.deepEqual(openSessionData(key, late), TEXT);
  client.handle(writeSessionData(key, initiation.sessionId, randomBytes(12), REPLY), 3);
  t.deepEqual(client.takeAnswer(), REPLY);
  t.is(client.drops.of("repeated"), 1);
});

test("a server that was started anew is found again by the client's retries", (t) => {
  const before = lab();
  converse(before);
  const { client } = before;
  client.takeAnswer();
  client.say(TEXT, 1000);
  const after = lab({ primitives: seeded("another start") });
  let nowMs = 1000;
  for (let round = 0; round < 20 && after.heard.length === 0; round++) {
    const { send, wakeAtMs } = client.poll(nowMs);
    for (const bytes of send) {
      const answer = after.server.handle(bytes, CLIENT_SOURCE, nowMs);
      if (answer !== undefined) client.handle(answer.bytes, nowMs);
    }
    if (send.length === 0) nowMs = wakeAtMs;
  }
  t.true(equalBytes(present(after.heard[0]).text, TEXT));
});

test("retries grow longer, and stop with the answer", (t) => {
  const { client } = lab();
  client.say(TEXT, 0);
  const waits: number[] = [];
  for (let nowMs = 0; waits.length < 6; ) {
    const { wakeAtMs } = client.poll(nowMs);
    waits.push(wakeAtMs - nowMs);
    nowMs = wakeAtMs;
  }
  t.deepEqual(waits, [250, 500, 1000, 2000, 2000, 2000]);
});

test("an identity derives others that tell nothing of it", (t) => {
  const one = identity("server");
  t.deepEqual(one.derive("a\0").key, one.derive("a\0").key);
  t.notDeepEqual(one.derive("a\0").key, one.derive("b\0").key);
  t.true(one.derive("a\0") instanceof Identity);
});
