/**
 * Makes handshake.json, once: identities and handshakes from fixed secrets to every byte.
 * Run: node build/__test__/vectors/make-handshake.js > __test__/vectors/handshake.json
 */
import { loadFallback } from "../../src/backend/fallback.ts";
import { toHex } from "../../src/base/bytes.ts";
import { Identity } from "../../src/noise/identity.ts";
import { bytes, SCENARIOS, transcript } from "../support/handshake-scenario.ts";

const { primitives } = await loadFallback();

const identities = [
  ...new Set(SCENARIOS.flatMap(({ initiator, responder }) => [initiator, responder])),
]
  .map(({ seed }) => seed)
  .filter((seed, at, all) => all.indexOf(seed) === at)
  .map((seed) => {
    const { key, keyText, staticPublic, staticSignature } = new Identity(primitives, bytes(seed));
    return {
      seed,
      key: toHex(key),
      keyText,
      staticPublic: toHex(staticPublic),
      staticSignature: toHex(staticSignature),
    };
  });

const handshakes = SCENARIOS.map((scenario) => ({
  ...scenario,
  expected: transcript(primitives, scenario),
}));

console.log(JSON.stringify({ identities, handshakes }, null, 1));
