import { readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import { parseAddress } from "../../src/base/address.ts";
import { fromHex } from "../../src/base/bytes.ts";
import {
  GROUP_PORT,
  ipv4Group,
  ownGroups,
  prefixGroup,
  SCOPE,
  SCOPES,
  sourceSpecificGroup,
  sourceSpecificIpv4Group,
  transientGroup,
} from "../../src/multicast/group-address.ts";
import { parseGroup, randomGroup } from "../../src/multicast/group-kind.ts";
import { testPrimitives } from "../support/primitives.ts";

interface Frozen {
  readonly port: number;
  readonly derived: readonly {
    readonly key: string;
    readonly transient: readonly string[];
    readonly ipv4: string;
    readonly sourceSpecific: readonly string[];
    readonly sourceSpecificIpv4: string;
    readonly prefix: readonly {
      readonly prefix: string;
      readonly bits: number;
      readonly groups: readonly (string | null)[];
    }[];
  }[];
  readonly kinds: readonly {
    readonly text: string;
    readonly address: string;
    readonly kind: string;
    readonly scope: number;
    readonly prefixBits?: number;
  }[];
  readonly refused: readonly string[];
}

const frozen = JSON.parse(readFileSync("__test__/vectors/group-address.json", "utf8")) as Frozen;
const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });
const bytesOf = (hex: string) => fromHex(hex) ?? new Uint8Array(0);

for (const [backend, primitives] of await testPrimitives()) {
  const sha512 = (data: Uint8Array) => primitives.sha512(data);

  test(`${backend}: frozen groups follow from their keys`, (t) => {
    t.is(GROUP_PORT, frozen.port);
    for (const { key: hex, ...expected } of frozen.derived) {
      const key = bytesOf(hex);
      const prefix = expected.prefix.map(({ prefix, bits }) => ({
        prefix,
        bits,
        groups: SCOPES.map((s) => prefixGroup(key, s, bytesOf(prefix), bits, sha512) ?? null),
      }));
      t.deepEqual(
        {
          transient: SCOPES.map((scope) => transientGroup(key, scope, sha512)),
          ipv4: ipv4Group(key, sha512),
          sourceSpecific: SCOPES.map((scope) => sourceSpecificGroup(key, scope, sha512)),
          sourceSpecificIpv4: sourceSpecificIpv4Group(key, sha512),
          prefix,
        },
        expected,
        hex,
      );
    }
    t.is(frozen.derived.length, 4);
  });

  test(`${backend}: derived groups are what their kind says, with a dynamic id and a MAC of their own`, (t) => {
    fc.assert(
      fc.property(keys, (key) => {
        const own = ownGroups(key, sha512);
        t.is(new Set(own).size, 5);
        for (const group of own) t.is(parseGroup(group)?.kind, "transient", group);
        for (const scope of SCOPES) {
          const group = sourceSpecificGroup(key, scope, sha512);
          t.is(parseGroup(group)?.kind, "source-specific", group);
          t.is(parseGroup(group)?.scope, scope);
        }
        const ssm = sourceSpecificIpv4Group(key, sha512);
        t.is(parseGroup(ssm)?.kind, "source-specific", ssm);
        const [, high = 0, middle = 0] = parseAddress(ssm)?.bytes ?? [];
        t.false((high & 0x7f) === 0 && middle === 0, ssm);
      }),
      { numRuns: process.env.MP2P_SOAK === "1" ? 20_000 : 200 },
    );
  });
}

test("the address specials are stepped over, not mapped onto a neighbour", (t) => {
  const digest = new Uint8Array(64).fill(7);
  digest.set([0xff, 0xfa, 0xff, 0x01, 0x12, 0x34]);
  t.is(
    ipv4Group(new Uint8Array(32), () => digest),
    "239.255.18.52:6727",
  );
  digest.set([0x80, 0x00, 0x05, 0x00, 0x00, 0x06, 0x00, 0x01, 0x02]);
  t.is(
    sourceSpecificIpv4Group(new Uint8Array(32), () => digest),
    "232.0.1.2:6727",
  );
  t.is(
    transientGroup(new Uint8Array(32), SCOPE.link, () => new Uint8Array(64)),
    "[ff12::8000:0]:6727",
  );
});

test("a prefix group holds the prefix, its length and nothing behind it", (t) => {
  const sha512 = () => new Uint8Array(64);
  const prefix = bytesOf("20010db8ffffffffffffffffffffffff");
  const key = new Uint8Array(32);
  const at = (bits: number) => prefixGroup(key, SCOPE.global, prefix, bits, sha512);
  t.is(at(64), "[ff3e:40:2001:db8:ffff:ffff:8000:0]:6727");
  t.is(at(45), "[ff3e:2d:2001:db8:fff8:0:8000:0]:6727");
  t.is(at(1), "[ff3e:1::8000:0]:6727");
  for (const bits of [0, 65, 1.5]) t.throws(() => at(bits), { instanceOf: RangeError }, `${bits}`);
});

test("groups as people write them are read, named and refused", (t) => {
  for (const { text, ...expected } of frozen.kinds) {
    t.deepEqual({ ...parseGroup(text) } as unknown, expected, text);
  }
  for (const text of frozen.refused) t.is(parseGroup(text), undefined, text);
});

test("a random group is a transient one with a dynamic id", (t) => {
  const bits = fc.uint8Array({ minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(bits, fc.constantFrom(...SCOPES), (random, scope) => {
      const group = randomGroup(scope, random, 9);
      t.like(parseGroup(group), { address: group, kind: "transient", scope });
      t.true((parseAddress(group)?.bytes[12] ?? 0) >= 0x80);
    }),
  );
});
