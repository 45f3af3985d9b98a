/**
 * The ten attacks on the original, found by reading it: docs/CLASSIC.md, "The ten attacks". Each is
 * tried here against both roles of this implementation where it applies.
 */
import test from "ava";
import { ascii, concat, fromHex } from "../../src/base/bytes.ts";
import { writeAddressDeclaration } from "../../src/classic/address-declaration.ts";
import { classicIdentity } from "../../src/classic/classic-identity.ts";
import { ClassicServer } from "../../src/classic/server.ts";
import { ClassicSession, LONGEST_SESSION_MESSAGES } from "../../src/classic/session.ts";
import { parseSessionData, writeSessionData } from "../../src/classic/session-data.ts";
import {
  parseSessionInitiation,
  writeSessionInitiation,
} from "../../src/classic/session-initiation.ts";
import type { Identity } from "../../src/noise/identity.ts";
import {
  ATTACKER_SOURCE,
  CLIENT_GROUP,
  CLIENT_SOURCE,
  converse,
  identity,
  type Lab,
  lab,
  newClient,
  present,
  REPLY,
  SERVER_GROUP,
  seeded,
  TEXT,
} from "./support.ts";

/** RFC 7748: keys whose product with every secret is zero. */
const LOW_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map((hex) => present(fromHex(hex)));

const id = (text: string) => ascii(text.padEnd(16, "."));

function initiationOf(
  signer: Identity,
  destination: Uint8Array,
  sessionId: Uint8Array,
  ephemeral: Uint8Array = seeded(signer.keyText).x25519PublicKey(new Uint8Array(32).fill(9)),
): Uint8Array {
  return writeSessionInitiation({ sessionId, destination, ephemeral }, signer);
}

function declare({ server }: Lab, signer: Identity, source: string, nowMs = 0): void {
  server.handle(writeAddressDeclaration(CLIENT_GROUP, signer), source, nowMs);
}

test("attack 1, refused: an X25519 key of low order neither crashes nor opens a session", (t) => {
  for (const ephemeral of LOW_ORDER) {
    const all = lab();
    const mallory = identity("mallory");
    declare(all, mallory, ATTACKER_SOURCE);
    const initiation = initiationOf(mallory, all.serverIdentity.key, id("a"), ephemeral);
    t.is(all.server.handle(initiation, ATTACKER_SOURCE, 0), undefined);
    const data = writeSessionData(new Uint8Array(32), id("a"), new Uint8Array(12), TEXT);
    t.is(all.server.handle(data, ATTACKER_SOURCE, 0), undefined);
    t.deepEqual(all.server.drops.toJSON(), { weakKey: 1, unknownSession: 1 });
    t.is(all.server.size.sessions, 0);

    const { client, serverIdentity, clientIdentity } = lab();
    client.say(TEXT, 0);
    const { sessionId } = present(parseSessionInitiation(present(client.poll(0).send[1])));
    client.handle(initiationOf(serverIdentity, clientIdentity.key, sessionId, ephemeral), 0);
    t.is(client.drops.of("weakKey"), 1);
  }
});

test("attack 2, refused: a client takes nothing but the named server's answer, and lives on", (t) => {
  const all = lab();
  const { client, clientIdentity, serverIdentity } = all;
  client.say(TEXT, 0);
  const { sessionId } = present(parseSessionInitiation(present(client.poll(0).send[1])));
  const mallory = identity("mallory");
  const forged = initiationOf(serverIdentity, clientIdentity.key, sessionId);
  forged[100] = (forged[100] ?? 0) ^ 1;
  const spoofed: readonly Uint8Array[] = [
    new Uint8Array(0),
    new Uint8Array(1500).fill(255),
    writeAddressDeclaration(CLIENT_GROUP, mallory),
    initiationOf(mallory, clientIdentity.key, sessionId),
    initiationOf(serverIdentity, mallory.key, sessionId),
    initiationOf(serverIdentity, clientIdentity.key, id("another")),
    forged,
    writeSessionData(new Uint8Array(32), sessionId, new Uint8Array(12), ascii("spoofed")),
  ];
  for (const datagram of spoofed) client.handle(datagram, 0);
  t.is(client.takeAnswer(), undefined);
  t.deepEqual(client.drops.toJSON(), {
    malformed: 2,
    unasked: 3,
    destination: 1,
    signature: 1,
    forged: 1,
  });
  converse({ ...all, client: newClient(clientIdentity, serverIdentity.key, "again") });
  t.is(all.heard.length, 1);
});

test("attack 3, contained: only classic groups and the sender's own address can be declared", (t) => {
  const mallory = identity("mallory");
  const refused = [
    "[2001:db8:1::7]:1025", // somebody else
    "192.0.2.9:1025", // another family
    "[ff02::1]:1025", // every node of the link
    "[ff02::fb]:5353", // mDNS
    "[ff0e::1]:1025", // assigned by IANA
    "[ff3e::8000:1]:1025", // source-specific
    "[ff1e::1]:53",
    "[::1]:1025",
    "[::]:1025",
    SERVER_GROUP, // the server itself
    "[2001:db8:bad::1]:123",
  ];
  for (const address of refused) {
    const { server } = lab();
    server.handle(writeAddressDeclaration(address, mallory), ATTACKER_SOURCE, 0);
    t.deepEqual(server.drops.toJSON(), { address: 1 }, address);
  }
  for (const address of ["255.255.255.255:1025", "10.255.255.255:1025", "224.0.0.1:1025"]) {
    const { server } = lab();
    server.handle(writeAddressDeclaration(address, mallory), "192.0.2.66:4000", 0);
    t.deepEqual(server.drops.toJSON(), { address: 1 }, address);
  }
  const { server } = lab();
  for (const address of [CLIENT_GROUP, "[ff3e:40:2001:db8:1:2:8000:1]:1025", ATTACKER_SOURCE]) {
    server.handle(writeAddressDeclaration(address, mallory), ATTACKER_SOURCE, 0);
  }
  t.deepEqual(server.drops.toJSON(), {});
});

test("attack 3, contained: what proves nothing is answered with no more bytes, and 50 times a second at most", (t) => {
  const all = lab();
  const { server, serverIdentity } = all;
  let [sent, asked] = [0, 0];
  for (let n = 0; n < 150; n++) {
    const stranger = identity(`stranger ${n}`);
    const source = `[2001:db8:${n.toString(16)}::1]:4000`;
    const declaration = writeAddressDeclaration(CLIENT_GROUP, stranger);
    server.handle(declaration, source, 0);
    const initiation = initiationOf(stranger, serverIdentity.key, id(`${n}`));
    asked += initiation.length + declaration.length;
    const answer = server.handle(initiation, source, 0);
    sent += answer?.bytes.length ?? 0;
    t.true((answer?.bytes.length ?? 0) <= initiation.length);
  }
  t.is(sent, 50 * 177);
  t.true(sent < asked);
  t.true(server.drops.of("busy") >= 100);
});

test("attack 4, contained: a replayed declaration moves nobody, and invented keys fill nothing", (t) => {
  const all = lab();
  const { server, clientIdentity, serverIdentity } = all;
  const old = writeAddressDeclaration("[ff1e::dead]:1025", clientIdentity);
  declare(all, clientIdentity, CLIENT_SOURCE);
  server.handle(old, ATTACKER_SOURCE, 1);
  const initiation = initiationOf(clientIdentity, serverIdentity.key, id("a"));
  t.is(server.handle(initiation, CLIENT_SOURCE, 2)?.to, CLIENT_GROUP);

  const session = lab();
  converse(session);
  session.server.handle(old, CLIENT_SOURCE, 1);
  session.client.say(TEXT, 1);
  const data = present(session.client.poll(1).send[0]);
  t.is(session.server.handle(data, CLIENT_SOURCE, 1)?.to, CLIENT_GROUP, "a session stays in place");

  for (let n = 0; n < 3000; n++) {
    const bytes = writeAddressDeclaration(CLIENT_GROUP, identity(`sybil ${n}`));
    const source = `[2001:db8:${(n >> 3).toString(16)}::1]:${4000 + n}`;
    server.handle(bytes, source, 10 * n + 1000);
  }
  t.true(server.size.peers <= 1024, `${server.size.peers} peers`);
  const crowd = lab();
  for (let n = 0; n < 100; n++) declare(crowd, identity(`${n}`), `[2001:db8::${n}]:1025`);
  t.is(crowd.server.size.peers, 8, "of one network");
});

test("attack 5, refused: a replayed initiation gets the answer it got, and the session goes on", (t) => {
  const all = lab();
  const { server, client } = all;
  const { initiation, answer } = converse(all);
  const again = server.handle(initiation, CLIENT_SOURCE, 500);
  t.deepEqual(again?.bytes, answer);
  t.is(server.handle(initiation, ATTACKER_SOURCE, 501), undefined, "not twice at once");
  let answers = 0;
  for (let nowMs = 1000; nowMs < 100_000; nowMs += 500) {
    if (server.handle(initiation, ATTACKER_SOURCE, nowMs) !== undefined) answers++;
  }
  t.true(answers <= 18, `${answers} answers`);
  client.takeAnswer();
  client.say(TEXT, 100_000);
  const data = present(client.poll(100_000).send[0]);
  client.handle(present(server.handle(data, CLIENT_SOURCE, 100_000)).bytes, 100_000);
  t.deepEqual(client.takeAnswer(), REPLY);
});

test("attack 5, contained: a recorded initiation of a forgotten session makes one that dies unused", (t) => {
  const all = lab();
  const { server } = all;
  const { initiation, declaration, data } = converse(all);
  const later = 4_000_000;
  server.handle(declaration, ATTACKER_SOURCE, later);
  t.not(server.handle(initiation, ATTACKER_SOURCE, later), undefined);
  server.handle(data, ATTACKER_SOURCE, later + 1);
  t.is(all.heard.length, 1, "the recorded message does not fit the new key");
  server.handle(data, ATTACKER_SOURCE, later + 30_001);
  t.deepEqual([server.drops.of("forged"), server.drops.of("unknownSession")], [1, 1]);
});

test("attack 6, refused: the same id from another peer is another session", (t) => {
  const all = lab();
  const { server, client, serverIdentity } = all;
  const { initiation } = converse(all);
  const { sessionId } = present(parseSessionInitiation(initiation));
  for (let n = 0; n < 5; n++) {
    const mallory = identity(`mallory ${n}`);
    declare(all, mallory, ATTACKER_SOURCE);
    const own = initiationOf(mallory, serverIdentity.key, sessionId);
    t.is(server.handle(own, ATTACKER_SOURCE, 0) === undefined, n >= 3, "four of one id at most");
  }
  client.takeAnswer();
  client.say(TEXT, 1);
  const answer = server.handle(present(client.poll(1).send[0]), CLIENT_SOURCE, 1);
  client.handle(present(answer).bytes, 1);
  t.deepEqual(client.takeAnswer(), REPLY);
  t.deepEqual(
    all.heard.map(({ peer }) => peer),
    [all.clientIdentity.key, all.clientIdentity.key],
  );
});

test("attack 7, refused: an answer is no initiation, of another session no answer, and starts no echo", (t) => {
  const all = lab();
  const { answer, initiation } = converse(all);
  const { clientIdentity, serverIdentity } = all;
  const next = newClient(clientIdentity, serverIdentity.key, "next call");
  next.say(TEXT, 0);
  next.poll(0);
  next.handle(answer, 0);
  next.handle(initiation, 0);
  t.deepEqual(next.drops.toJSON(), { unasked: 1, destination: 1 });

  const node = identity("node");
  const roles = [classicIdentity(node, "server", false), classicIdentity(node, "client", false)];
  t.notDeepEqual(roles[0]?.key, roles[1]?.key, "no key has both roles");

  // Two nodes that use one key for both roles, and a recorder that brings them to answer each other.
  const servers = [serverIdentity, clientIdentity].map((signer, at) => {
    const primitives = seeded(`role ${at}`);
    const group = at === 0 ? SERVER_GROUP : CLIENT_GROUP;
    return new ClassicServer({ primitives, signer, group, answer: () => REPLY });
  });
  const [left, right] = [present(servers[0]), present(servers[1])];
  left.handle(writeAddressDeclaration(CLIENT_GROUP, clientIdentity), CLIENT_SOURCE, 0);
  right.handle(writeAddressDeclaration(SERVER_GROUP, serverIdentity), CLIENT_SOURCE, 0);
  let packet = left.handle(initiation, CLIENT_SOURCE, 0);
  let turns = 0;
  while (packet !== undefined && turns < 100) {
    const receiver = turns++ % 2 === 0 ? right : left;
    packet = receiver.handle(packet.bytes, CLIENT_SOURCE, turns);
  }
  t.true(turns <= 3, `${turns} turns`);
});

test("attack 8, refused: a message sent back to its sender is not taken for an answer", (t) => {
  const all = lab();
  const { client, server } = all;
  client.say(TEXT, 0);
  const [declaration, initiation] = client.poll(0).send;
  server.handle(present(declaration), CLIENT_SOURCE, 0);
  client.handle(present(server.handle(present(initiation), CLIENT_SOURCE, 0)).bytes, 0);
  const data = present(client.poll(0).send[0]);
  client.handle(data, 1);
  t.is(client.takeAnswer(), undefined);
  t.is(client.drops.of("reflected"), 1);
  const reply = present(server.handle(data, CLIENT_SOURCE, 1)).bytes;
  t.is(server.handle(reply, CLIENT_SOURCE, 2), undefined);
  t.is(server.drops.of("reflected"), 1);
  t.is(all.heard.length, 1);
  client.handle(reply, 3);
  t.deepEqual(client.takeAnswer(), REPLY);
});

test("attack 9, refused: a replayed message is not heard again, however late", (t) => {
  const all = lab();
  const { server, client } = all;
  const { data, reply } = converse(all);
  for (let nowMs = 1; nowMs < 4_000_000; nowMs += 10_000) server.handle(data, CLIENT_SOURCE, nowMs);
  t.is(all.heard.length, 1);
  client.takeAnswer();
  client.say(TEXT, 1);
  client.poll(1);
  client.handle(reply, 1);
  t.is(client.takeAnswer(), undefined, "an old answer does not answer a new message");
  t.is(client.drops.of("repeated"), 1);
});

test("attack 9, contained: keys end after their messages, ten idle minutes or an hour", (t) => {
  const key = new Uint8Array(32).fill(1);
  const [sender, receiver] = [new ClassicSession(id("a"), key), new ClassicSession(id("a"), key)];
  const { randomBytes } = seeded("nonces");
  for (let n = 0; n < LONGEST_SESSION_MESSAGES; n++) {
    const sealed = present(sender.seal(TEXT, randomBytes));
    t.is(receiver.open(present(parseSessionData(sealed))).result, "fresh");
  }
  t.is(sender.seal(TEXT, randomBytes), undefined);
  const surplus = writeSessionData(key, id("a"), new Uint8Array(12), TEXT);
  t.is(receiver.open(present(parseSessionData(surplus))).result, "worn");

  for (const [everyMs, untilMs] of [
    [600_001, 600_001],
    [500_000, 3_600_001],
  ] as const) {
    const all = lab();
    converse(all);
    let nowMs = 0;
    while (nowMs < untilMs && all.server.drops.of("unknownSession") === 0) {
      nowMs += everyMs;
      all.client.takeAnswer();
      all.client.say(TEXT, nowMs);
      const answer = all.server.handle(
        present(all.client.poll(nowMs).send[0]),
        CLIENT_SOURCE,
        nowMs,
      );
      if (answer !== undefined) all.client.handle(answer.bytes, nowMs);
    }
    t.is(all.server.drops.of("unknownSession"), 1, `every ${everyMs} ms`);
  }
});

test("attack 10, refused: trailing bytes, keys that verify anything, strangers where friends are named", (t) => {
  const all = lab();
  const { server, serverIdentity } = all;
  const honest = writeAddressDeclaration(CLIENT_GROUP, all.clientIdentity);
  server.handle(concat(honest, Uint8Array.of(0)), CLIENT_SOURCE, 0);
  t.is(server.drops.of("malformed"), 1);

  // The identity point as key: R = identity and s = 0 satisfy the lax equation for every message.
  const point = new Uint8Array(32).fill(1, 0, 1);
  const anything: Identity = Object.assign(Object.create(all.clientIdentity) as Identity, {});
  Object.defineProperty(anything, "key", { value: point });
  Object.defineProperty(anything, "sign", { value: () => concat(point, new Uint8Array(32)) });
  server.handle(writeAddressDeclaration(CLIENT_GROUP, anything), ATTACKER_SOURCE, 0);
  t.is(server.drops.of("signature"), 1);

  const friend = identity("friend");
  const closed = lab({ allow: (key) => key === friend.key || key[0] === friend.key[0] });
  const stranger = identity("stranger");
  t.not(stranger.key[0], friend.key[0]);
  declare(closed, stranger, CLIENT_SOURCE);
  const initiation = initiationOf(stranger, serverIdentity.key, id("a"));
  t.is(closed.server.handle(initiation, CLIENT_SOURCE, 0), undefined);
  t.deepEqual(closed.server.drops.toJSON(), { notAllowed: 2 });
});
