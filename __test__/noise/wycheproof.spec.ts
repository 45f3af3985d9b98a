/** Google's and C2SP's attack vectors against each primitive of each backend. */
import { readFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import type { Primitives } from "../../src/backend/port.ts";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { testPrimitives } from "../support/primitives.ts";

interface Case {
  readonly tcId: number;
  readonly comment: string;
  readonly result: "valid" | "acceptable" | "invalid";
}

interface Group<C extends Case> {
  readonly publicKey?: { readonly pk: string };
  readonly ivSize?: number;
  readonly tagSize?: number;
  readonly tests: readonly C[];
}

interface Suite<C extends Case> {
  readonly numberOfTests: number;
  readonly testGroups: readonly Group<C>[];
}

type Hex<Names extends string> = Case & Readonly<Record<Names, string>>;

const bytes = (hex: string) => fromHex(hex) as Uint8Array;

/** Runs one check a case; what it returns is compared with the case's verdict. */
function run<C extends Case>(
  t: ExecutionContext,
  file: string,
  accepts: (each: C, group: Group<C>) => boolean,
): void {
  const text = readFileSync(`__test__/vectors/wycheproof/${file}_test.json`, "utf8");
  const suite = JSON.parse(text) as Suite<C>;
  let cases = 0;
  for (const group of suite.testGroups) {
    for (const each of group.tests) {
      cases++;
      t.is(accepts(each, group), each.result !== "invalid", `case ${each.tcId}: ${each.comment}`);
    }
  }
  t.is(cases, suite.numberOfTests);
}

/** Wrong sizes are the caller's mistake and throw; any other error fails the test. */
function unlessRangeError(check: () => boolean): boolean {
  try {
    return check();
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const CHECKS: Readonly<Record<string, (t: ExecutionContext, primitives: Primitives) => void>> = {
  x25519: (t, primitives) =>
    run<Hex<"public" | "private" | "shared">>(t, "x25519", (each) => {
      const shared = primitives.x25519(bytes(each.private), bytes(each.public));
      return /^0+$/.test(each.shared)
        ? shared === undefined
        : toHex(shared ?? bytes("")) === each.shared;
    }),

  ed25519: (t, primitives) =>
    run<Hex<"msg" | "sig">>(t, "ed25519", (each, group) =>
      unlessRangeError(() => {
        const publicKey = bytes(group.publicKey?.pk as string);
        return primitives.ed25519Verify(publicKey, bytes(each.msg), bytes(each.sig));
      }),
    ),

  "chacha20-poly1305": (t, primitives) =>
    run<Hex<"key" | "iv" | "aad" | "msg" | "ct" | "tag">>(t, "chacha20_poly1305", (each) =>
      unlessRangeError(() => {
        const [key, iv, aad, msg] = [
          bytes(each.key),
          bytes(each.iv),
          bytes(each.aad),
          bytes(each.msg),
        ];
        const sealed = each.ct + each.tag;
        const opened = primitives.open(key, iv, aad, bytes(sealed));
        const matches = toHex(primitives.seal(key, iv, aad, msg)) === sealed;
        t.is(opened !== undefined, matches, `case ${each.tcId}: sealing and opening agree`);
        return opened !== undefined && toHex(opened) === each.msg;
      }),
    ),

  "hkdf-sha512": (t, primitives) =>
    run<Hex<"ikm" | "salt" | "info" | "okm"> & { readonly size: number }>(
      t,
      "hkdf_sha512",
      (each) =>
        unlessRangeError(() => {
          const { ikm, salt, info, size, okm } = each;
          return toHex(primitives.hkdfSha512(bytes(salt), bytes(ikm), bytes(info), size)) === okm;
        }),
    ),

  "hmac-sha512": (t, primitives) =>
    run<Hex<"key" | "msg" | "tag">>(t, "hmac_sha512", (each, group) => {
      const mac = primitives.hmacSha512(bytes(each.key), bytes(each.msg));
      return toHex(mac.subarray(0, (group.tagSize as number) / 8)) === each.tag;
    }),
};

for (const [backend, primitives] of await testPrimitives()) {
  for (const [primitive, check] of Object.entries(CHECKS)) {
    test(`${backend}: ${primitive} agrees with every Wycheproof case`, (t) => check(t, primitives));
  }
}
