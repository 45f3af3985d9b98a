import { readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import { parseAddress } from "../../src/base/address.ts";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import {
  parseAddressDeclaration,
  writeAddressDeclaration,
} from "../../src/classic/address-declaration.ts";
import {
  classicGroup,
  classicPrefixGroup,
  isClassicGroup,
} from "../../src/classic/classic-group.ts";
import { classicIdentity } from "../../src/classic/classic-identity.ts";
import { parseMessage } from "../../src/classic/message.ts";
import {
  openSessionData,
  parseSessionData,
  writeSessionData,
} from "../../src/classic/session-data.ts";
import {
  parseSessionInitiation,
  writeSessionInitiation,
} from "../../src/classic/session-initiation.ts";
import { isSignedBy } from "../../src/classic/signature.ts";
import { Identity } from "../../src/noise/identity.ts";
import { testPrimitives } from "../support/primitives.ts";

const frozen = JSON.parse(readFileSync("__test__/vectors/classic.json", "utf8")) as Record<
  string,
  string
>;
const runs = { numRuns: process.env.MP2P_SOAK === "1" ? 20_000 : 300 };
const bytesOf = (name: string) => fromHex(frozen[name] ?? "") ?? new Uint8Array(0);

for (const [backend, primitives] of await testPrimitives()) {
  const client = new Identity(primitives, bytesOf("clientSeed"));
  const server = new Identity(primitives, bytesOf("serverSeed"));
  const sessionId = bytesOf("sessionId");
  const ephemeral = (name: string) => primitives.x25519PublicKey(bytesOf(name));

  test(`${backend}: every message is the one that the Go peer writes`, (t) => {
    const written = {
      declarationIpv6: writeAddressDeclaration(
        "[ff1e:7837:c8de:baf8:88e9:7051:6056:c140]:1025",
        client,
      ),
      declarationIpv4: writeAddressDeclaration("224.0.245.100:1025", client),
      initiation: writeSessionInitiation(
        { sessionId, destination: server.key, ephemeral: ephemeral("clientEphemeral") },
        client,
      ),
      answer: writeSessionInitiation(
        { sessionId, destination: client.key, ephemeral: ephemeral("serverEphemeral") },
        server,
      ),
      data: writeSessionData(bytesOf("key"), sessionId, bytesOf("nonce"), bytesOf("text")),
    };
    for (const [name, bytes] of Object.entries(written))
      t.is(toHex(bytes), frozen[name] ?? "", name);
    const key = primitives.x25519(bytesOf("clientEphemeral"), ephemeral("serverEphemeral"));
    t.is(toHex(key ?? new Uint8Array(0)), frozen.key ?? "");
  });

  test(`${backend}: every message of the Go peer is read, and its signature holds`, (t) => {
    const declaration = parseAddressDeclaration(bytesOf("declarationIpv4"));
    t.is(declaration?.address, "224.0.245.100:1025");
    const answer = parseSessionInitiation(bytesOf("answer"));
    t.deepEqual(answer?.sessionId, sessionId);
    t.deepEqual(answer?.destination, client.key);
    for (const message of [declaration, answer]) {
      t.true(message !== undefined && isSignedBy(message.source, message.bytes, primitives));
    }
    const data = parseSessionData(bytesOf("data"));
    t.deepEqual(data && openSessionData(bytesOf("key"), data), bytesOf("text"));
  });

  test(`${backend}: one flipped bit of a signed message breaks its signature`, (t) => {
    for (const name of ["declarationIpv6", "initiation"]) {
      const bytes = bytesOf(name);
      for (let at = 1; at < bytes.length; at++) {
        const forged = bytes.slice();
        forged[at] = (forged[at] ?? 0) ^ 1;
        const message = parseMessage(forged);
        const source = message && "source" in message ? message.source : new Uint8Array(32);
        t.false(isSignedBy(source, forged, primitives), `${name} byte ${at}`);
      }
    }
  });

  test(`${backend}: a node keeps its groups, which have the original's forms`, (t) => {
    const sha512 = (data: Uint8Array) => primitives.sha512(data);
    const prefix = { bytes: bytesOf("clientSeed").slice(0, 16).fill(0x20, 0, 1), bits: 20 };
    const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(seeds, (key) => {
        const groups = [
          classicGroup(key, 6, 1024, sha512),
          classicGroup(key, 4, 1024, sha512),
          classicPrefixGroup(key, prefix, 1024, sha512),
        ];
        for (const group of groups) {
          const address = parseAddress(group);
          t.true(address !== undefined && isClassicGroup(address), group);
        }
      }),
      runs,
    );
    t.regex(classicPrefixGroup(client.key, prefix, 1024, sha512), /^\[ff3e:14:2001::/);
    t.is(classicGroup(client.key, 4, 1024, sha512), "224.32.247.104:1024");
    t.is(
      classicGroup(client.key, 6, 1024, sha512),
      "[ff1e:f768:4b1f:c823:c66f:9930:dd17:287a]:1024",
    );
  });

  test(`${backend}: classic keys are neither the identity's nor each other's, unless asked for`, (t) => {
    const roles = (["server", "client"] as const).map((role) =>
      classicIdentity(client, role, false),
    );
    const texts = new Set([client, ...roles].map(({ keyText }) => keyText));
    t.is(texts.size, 3);
    t.is(classicIdentity(client, "server", true).keyText, client.keyText);
    const server = primitives.hkdfSha512(
      new Uint8Array(0),
      bytesOf("clientSeed"),
      new TextEncoder().encode("mp2p/1 classic server\0"),
      32,
    );
    t.deepEqual(roles[0]?.key, primitives.ed25519PublicKey(server));
  });
}

test("messages of any other length or type are not read", (t) => {
  for (const name of ["declarationIpv6", "initiation"]) {
    const bytes = bytesOf(name);
    t.is(parseMessage(Uint8Array.of(...bytes, 0)), undefined, `${name} with a trailing byte`);
    for (let length = 0; length < bytes.length; length++) {
      t.is(parseMessage(bytes.subarray(0, length)), undefined, `${name}, ${length} bytes`);
    }
  }
  const data = bytesOf("data");
  t.is(parseMessage(data.subarray(0, 44)), undefined, "data without a whole tag");
  t.is(parseMessage(new Uint8Array(1501).fill(2)), undefined, "more than the original reads");
  for (let type = 3; type < 256; type++) {
    for (const length of [115, 177, 200]) {
      t.is(parseMessage(new Uint8Array(length).fill(type)), undefined, `type ${type}`);
    }
  }
});

test("random bytes are never an exception", (t) => {
  const key = bytesOf("key");
  fc.assert(
    fc.property(fc.nat(3), fc.uint8Array({ maxLength: 1600 }), (type, bytes) => {
      bytes[0] = type;
      const message = parseMessage(bytes);
      if (message?.type === 2) t.is(openSessionData(key, message), undefined);
    }),
    runs,
  );
  t.pass();
});

test("what is longer than the original reads is refused before it is sent", (t) => {
  const write = (length: number) =>
    writeSessionData(
      bytesOf("key"),
      bytesOf("sessionId"),
      bytesOf("nonce"),
      new Uint8Array(length),
    );
  t.is(write(1455).length, 1500);
  t.throws(() => write(1456), { instanceOf: RangeError });
});
