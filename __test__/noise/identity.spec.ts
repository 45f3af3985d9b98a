import { inspect } from "node:util";
import test from "ava";
import { toHex } from "../../src/base/bytes.ts";
import { Identity, parseKey, staticKeyMessage } from "../../src/noise/identity.ts";
import { testPrimitives } from "../support/primitives.ts";

const SEED = Uint8Array.from({ length: 32 }, (_, at) => 200 - at);

for (const [backend, primitives] of await testPrimitives()) {
  test(`${backend}: an identity shows its public keys and never its secrets`, (t) => {
    const identity = new Identity(primitives, SEED);
    const secret = primitives.hkdfSha512(
      new Uint8Array(0),
      SEED,
      new TextEncoder().encode("mp2p/1 static x25519\0"),
      32,
    );
    t.deepEqual(primitives.x25519PublicKey(secret), identity.staticPublic);
    const shown = [
      inspect(identity, { depth: 9, showHidden: true, maxArrayLength: null }),
      JSON.stringify(identity),
      JSON.stringify(Object.values({ ...identity }).map((each) => [...each])),
    ].join("\n");
    for (const hidden of [SEED, secret]) {
      const spellings = [
        toHex(hidden),
        [...hidden].join(","),
        [...hidden.subarray(0, 8)].join(", "),
      ];
      for (const spelling of spellings) t.false(shown.includes(spelling));
    }
    t.true(shown.includes(identity.keyText));
  });

  test(`${backend}: the static key is bound to the identity by its signature`, (t) => {
    const { key, staticPublic, staticSignature } = new Identity(primitives, SEED);
    t.true(primitives.ed25519Verify(key, staticKeyMessage(key, staticPublic), staticSignature));
    t.false(primitives.ed25519Verify(key, staticKeyMessage(staticPublic, key), staticSignature));
  });

  test(`${backend}: a key is read as it is written, and nothing else is read as a key`, (t) => {
    const { key, keyText } = new Identity(primitives, SEED);
    t.is(keyText.length, 52);
    t.deepEqual(parseKey(keyText), key);
    t.deepEqual(parseKey(keyText.toUpperCase()), key);
    for (const wrong of [
      "",
      keyText.slice(1),
      `${keyText}y`,
      keyText.replace(/.$/, "b"),
      "v".repeat(52),
    ]) {
      t.throws(() => parseKey(wrong), { code: "MP2P_KEY_INVALID" }, wrong);
    }
    t.throws(() => new Identity(primitives, SEED.subarray(1)), { instanceOf: RangeError });
  });
}
