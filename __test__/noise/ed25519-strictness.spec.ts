/**
 * Signatures on which Ed25519 verifiers disagree. Two peers that differ here could be shown two
 * different owners of one key, so both backends accept exactly the same set.
 */
import { readFileSync } from "node:fs";
import test from "ava";
import { fromHex } from "../../src/base/bytes.ts";
import { testPrimitives } from "../support/primitives.ts";

interface Strictness {
  readonly accepted: readonly number[];
  readonly cases: readonly {
    readonly number: number;
    readonly why: string;
    readonly publicKey: string;
    readonly message: string;
    readonly signature: string;
  }[];
}

const { accepted, cases } = JSON.parse(
  readFileSync("__test__/vectors/ed25519-strictness.json", "utf8"),
) as Strictness;
const bytes = (hex: string) => fromHex(hex) as Uint8Array;

for (const [backend, primitives] of await testPrimitives()) {
  test(`${backend}: of the twelve disputed signatures only the harmless one is accepted`, (t) => {
    const taken = cases.filter(({ publicKey, message, signature }) =>
      primitives.ed25519Verify(bytes(publicKey), bytes(message), bytes(signature)),
    );
    t.is(cases.length, 12);
    t.deepEqual(
      taken.map(({ number }) => number),
      accepted,
      taken.map(({ number, why }) => `${number}: ${why}`).join("\n"),
    );
  });
}
