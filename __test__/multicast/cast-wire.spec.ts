/** Every byte of a cast against frozen vectors of a second implementation, and hostile bytes at its readers. */
import { readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import type { Suite } from "../../src/backend/port.ts";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { ERROR_CODES, type ErrorCode } from "../../src/base/errors.ts";
import { authFrame, isAuthentic, parseAuthFrame } from "../../src/multicast/cast/auth-frame.ts";
import { Burst } from "../../src/multicast/cast/burst.ts";
import { castGroups } from "../../src/multicast/cast/cast-groups.ts";
import { channelKeys } from "../../src/multicast/cast/channel-keys.ts";
import { Geometry } from "../../src/multicast/cast/geometry.ts";
import {
  type CastKey,
  joinProof,
  joinRecord,
  keyRecord,
  parseJoin,
  parseKeyRecord,
} from "../../src/multicast/cast/key-record.ts";
import {
  blockRecord,
  hashesRecord,
  haveRecords,
  parseReason,
  RECORD_HEADER_BYTES,
  reasonRecord,
} from "../../src/multicast/cast/records.ts";
import { parseStatus, type Status, statusRecord } from "../../src/multicast/cast/status-record.ts";
import type { Scope } from "../../src/multicast/group-address.ts";
import { packet, plaintextsOfPlan } from "../conformance/packets.ts";
import { testPrimitives } from "../support/primitives.ts";
import { runs } from "../support/runs.ts";

type Hex<T> = { readonly [K in keyof T]: T[K] extends Uint8Array ? string : T[K] };
type Recorded<T> = Hex<T> & { readonly record: string };

interface Frozen {
  readonly channels: readonly {
    readonly senderKey: string;
    readonly suite: Suite;
    readonly channel: number;
    readonly key: string;
    readonly iv: string;
    readonly cid: string;
  }[];
  readonly groups: readonly {
    readonly key: string;
    readonly castId: string;
    readonly scope: Scope;
    readonly groups: readonly string[];
  }[];
  readonly proof: readonly Record<"secret" | "castId" | "sender" | "receiver" | "proof", string>[];
  readonly records: {
    readonly join: readonly Recorded<NonNullable<ReturnType<typeof parseJoin>>>[];
    readonly key: readonly (Recorded<Omit<CastKey, "bytes">> & { readonly bytes: number | null })[];
    readonly status: readonly Recorded<Status>[];
    readonly have: {
      readonly held: readonly { readonly block: number; readonly hash: string }[];
      readonly record: string;
    };
    readonly hashes: { readonly first: number; readonly hashes: string[]; readonly record: string };
    readonly block: { readonly block: number; readonly bytes: string; readonly record: string };
    readonly decline: Reason;
    readonly abort: Reason;
  };
  readonly auth: readonly {
    readonly seed: string;
    readonly authKey: string;
    readonly castId: string;
    readonly stamp: number;
    readonly sentBlocks: number;
    readonly statusIntervalMs: number;
    readonly receivers: number;
    readonly report: boolean;
    readonly first: number | null;
    readonly hashes: readonly string[];
    readonly padTo: number;
    readonly frame: string;
  }[];
  readonly packets: readonly {
    readonly what: "symbol" | "auth";
    readonly senderKey: string;
    readonly suite: Suite;
    readonly channel: number;
    readonly packet: number;
    readonly plaintext: string;
    readonly block?: number;
    readonly symbol?: number;
    readonly data?: string;
    readonly sealed: string;
  }[];
}

interface Reason {
  readonly type: number;
  readonly code: ErrorCode;
  readonly why: string;
  readonly record: string;
}

const frozen = JSON.parse(readFileSync("__test__/vectors/cast.json", "utf8")) as Frozen;
const bytesOf = (hex: string) => fromHex(hex) ?? new Uint8Array(0);
const bodyOf = (record: string) => bytesOf(record).subarray(RECORD_HEADER_BYTES);
const backends = await testPrimitives();

for (const [name, primitives] of backends) {
  test(`${name}: channels, groups and the proof of a ticket's secret follow from what they are made of`, (t) => {
    for (const { senderKey, suite, channel, key, iv, cid } of frozen.channels) {
      const keys = channelKeys(primitives, bytesOf(senderKey), suite, channel);
      t.deepEqual([toHex(keys.key), toHex(keys.iv), toHex(keys.cid)], [key, iv, cid]);
      t.is(keys.lane, 0);
    }
    for (const { key, castId, scope, groups } of frozen.groups) {
      const sha512 = (data: Uint8Array) => primitives.sha512(data);
      const made = castGroups(bytesOf(key), bytesOf(castId), scope, sha512);
      t.deepEqual(made.toSorted(), groups.toSorted());
    }
    for (const { secret, castId, sender, receiver, proof } of frozen.proof) {
      const [a, b, c, d] = [secret, castId, sender, receiver].map(bytesOf) as Uint8Array[];
      t.is(toHex(joinProof(primitives, a as never, b as never, c as never, d as never)), proof);
    }
  });
}

test("JOIN and KEY are written and read exactly", (t) => {
  for (const { record, ...vector } of frozen.records.join) {
    const { castId, suites, receiveBufferBytes, proof } = vector;
    const join = { castId: bytesOf(castId), suites, receiveBufferBytes, proof: bytesOf(proof) };
    t.is(toHex(joinRecord(join)), record);
    t.deepEqual(parseJoin(bodyOf(record)), join);
  }
  for (const { record, ...vector } of frozen.records.key) {
    const key: CastKey = {
      ...vector,
      bytes: vector.bytes ?? undefined,
      authKey: bytesOf(vector.authKey),
      senderKey: bytesOf(vector.senderKey),
      manifestHash: bytesOf(vector.manifestHash),
    };
    t.is(toHex(keyRecord(key)), record);
    t.deepEqual(parseKeyRecord(bodyOf(record)), key);
  }
});

test("STATUS is written and read exactly", (t) => {
  for (const { record, ...status } of frozen.records.status) {
    t.is(toHex(statusRecord(status)), record);
    t.deepEqual(parseStatus(bodyOf(record)), status);
  }
});

test("the small records are written and read exactly", (t) => {
  const { have, hashes, block, decline, abort } = frozen.records;
  const held = have.held.map((row) => ({ block: row.block, hash: bytesOf(row.hash) }));
  t.deepEqual(haveRecords([...held].reverse()).map(toHex), [have.record]);
  t.is(toHex(hashesRecord(hashes.first, hashes.hashes.map(bytesOf))), hashes.record);
  t.is(toHex(blockRecord(block.block, bytesOf(block.bytes))), block.record);
  for (const { type, code, why, record } of [decline, abort]) {
    t.true(ERROR_CODES.includes(code));
    t.is(toHex(reasonRecord(type, { code, why })), record);
    t.deepEqual(parseReason(bodyOf(record)), { code, why });
  }
});

for (const [name, primitives] of backends) {
  test(`${name}: AUTH frames are signed and read exactly, and no bit of them can be changed`, (t) => {
    for (const vector of frozen.auth) {
      const { seed, authKey, castId, first, hashes, padTo, frame, ...rest } = vector;
      const { stamp, sentBlocks, statusIntervalMs, receivers, report } = rest;
      const head = { stamp, sentBlocks, statusIntervalMs, receivers, report };
      const page = first === null ? undefined : { first, hashes: hashes.map(bytesOf) };
      const signer = { primitives, castId: bytesOf(castId), authSeed: bytesOf(seed) };
      t.is(toHex(authFrame(signer, head, page, padTo)), frame);
      const bytes = bytesOf(frame);
      const parsed = parseAuthFrame(bytes);
      if (parsed === undefined) return t.fail("not read");
      const { hashes: read, signed, signature, ...numbers } = parsed;
      t.deepEqual(numbers, { ...head, first: first ?? 0, count: hashes.length });
      t.is(toHex(read), hashes.join(""));
      const key = bytesOf(authKey);
      t.true(isAuthentic(primitives, key, signer.castId, parsed));
      t.false(
        isAuthentic(
          primitives,
          key,
          signer.castId.map((byte) => byte ^ 1),
          parsed,
        ),
      );
      const bits = (signed.length + signature.length) * 8;
      for (let bit = 0; bit < bits; bit += 7) {
        const forged = bytes.slice();
        forged[bit >> 3] = (forged[bit >> 3] as number) ^ (1 << (bit & 7));
        const other = parseAuthFrame(forged);
        if (other !== undefined)
          t.false(isAuthentic(primitives, key, signer.castId, other), `${bit}`);
      }
    }
  });
}

for (const [name, primitives] of backends) {
  test(`${name}: packets of a channel are sealed as data packets are`, (t) => {
    for (const vector of frozen.packets) {
      const { senderKey, suite, channel, plaintext, sealed } = vector;
      const keys = channelKeys(primitives, bytesOf(senderKey), suite, channel);
      t.is(toHex(packet(keys, vector.packet, bytesOf(plaintext))), sealed);
      if (vector.what === "auth") continue;
      const data = bytesOf(vector.data ?? "");
      const burst = new Burst(new Geometry(data.length + 40, undefined));
      burst.symbols(vector.block ?? 0, vector.symbol ?? 0, 1, data, 0);
      t.deepEqual(plaintextsOfPlan(burst.plan).map(toHex), [plaintext]);
    }
  });
}

const READERS = { parseJoin, parseKeyRecord, parseStatus, parseReason, parseAuthFrame } as const;

for (const [name, read] of Object.entries(READERS)) {
  test(`${name} takes any bytes, and vectors cut or bent anywhere, without an exception`, (t) => {
    const seeds = [
      ...frozen.records.join,
      ...frozen.records.key,
      ...frozen.records.status,
      frozen.records.decline,
    ].map(({ record }) => bodyOf(record));
    const frames = frozen.auth.map(({ frame }) => bytesOf(frame));
    const bent = fc
      .tuple(fc.constantFrom(...seeds, ...frames), fc.nat(5000), fc.nat(255), fc.nat(5000))
      .map(([seed, at, byte, length]) => {
        const bytes = seed.slice(0, Math.max(1, length % (seed.length + 1)));
        bytes[at % bytes.length] = byte;
        return bytes;
      });
    const any = fc.oneof(fc.uint8Array({ maxLength: 300 }), bent);
    fc.assert(
      fc.property(any, (bytes) => void read(bytes)),
      { numRuns: runs(500) },
    );
    t.pass();
  });
}
