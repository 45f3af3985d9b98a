/** The project's own frozen handshakes: a change of a byte here is a change of the protocol. */
import { readFileSync } from "node:fs";
import test from "ava";
import { toHex } from "../../src/base/bytes.ts";
import { Identity } from "../../src/noise/identity.ts";
import { bytes, type Scenario, transcript } from "../support/handshake-scenario.ts";
import { testPrimitives } from "../support/primitives.ts";

interface Frozen {
  readonly identities: readonly {
    readonly seed: string;
    readonly key: string;
    readonly keyText: string;
    readonly staticPublic: string;
    readonly staticSignature: string;
  }[];
  readonly handshakes: readonly (Scenario & { readonly expected: Record<string, unknown> })[];
}

const frozen = JSON.parse(readFileSync("__test__/vectors/handshake.json", "utf8")) as Frozen;

for (const [backend, primitives] of await testPrimitives()) {
  test(`${backend}: frozen identities follow from their seeds`, (t) => {
    for (const { seed, ...expected } of frozen.identities) {
      const { key, keyText, staticPublic, staticSignature } = new Identity(primitives, bytes(seed));
      const actual = {
        key: toHex(key),
        keyText,
        staticPublic: toHex(staticPublic),
        staticSignature: toHex(staticSignature),
      };
      t.deepEqual(actual, expected);
    }
    t.is(frozen.identities.length, 2);
  });

  for (const { expected, ...scenario } of frozen.handshakes) {
    test(`${backend}: frozen handshake ${scenario.name} gives the same bytes`, (t) => {
      t.deepEqual(transcript(primitives, scenario), expected);
    });
  }
}
