/** Handshake payloads, limits and addresses as bytes: what is written is read, all else is refused. */
import test from "ava";
import fc from "fast-check";
import { concat } from "../../src/base/bytes.ts";
import {
  type HandshakePayload,
  parsePayload,
  writePayload,
} from "../../src/wire/handshake-payload.ts";
import { LIMITS_BYTES, parseLimits, writeLimits } from "../../src/wire/limits.ts";
import { parseSocketAddress, writeSocketAddress } from "../../src/wire/socket-address.ts";

const LENGTH = 308;
const NO_HEADER = new Uint8Array(0);
const RUNS = process.env.MP2P_SOAK === "1" ? 1_000_000 : 2_000;

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const limits = fc.record({
  connectionCreditBytes: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  streamCreditBytes: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  bidirectionalStreams: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  unidirectionalStreams: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  largestPacketBytes: fc.integer({ min: 1200, max: 65_535 }),
  idleSeconds: fc.integer({ min: 0, max: 65_535 }),
});
const payload = fc.record<HandshakePayload>(
  {
    observed: fc
      .tuple(fc.ipV4(), fc.integer({ min: 0, max: 65_535 }))
      .map(([ip, port]) => `${ip}:${port}`),
    identity: fc.record({ key: bytesOf(32), signature: bytesOf(64) }),
    endpoint: fc.record({ instance: bytesOf(8), epoch: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
    versions: fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 10 }),
    suites: fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 10 }),
    choice: fc.record({
      version: fc.integer({ min: 0, max: 255 }),
      suite: fc.integer({ min: 0, max: 255 }),
    }),
    limits,
  },
  { requiredKeys: [] },
);
const present = (value: HandshakePayload) =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));

test("a payload that was written is read as it was, behind its own header only", (t) => {
  const property = fc.property(payload, fc.uint8Array({ maxLength: 20 }), (value, header) => {
    const bytes = writePayload(value, header, LENGTH);
    t.is(bytes.length, LENGTH);
    t.deepEqual(present(parsePayload(bytes, header) ?? {}), present(value));
    const other = header.map((byte) => byte ^ 1);
    if (header.length > 0) t.is(parsePayload(bytes, other), undefined);
  });
  fc.assert(property, { numRuns: Math.min(RUNS, 20_000) });
});

test("random and truncated bytes are read or refused, never an exception", (t) => {
  const tlv = fc
    .tuple(fc.integer({ min: 0, max: 14 }), fc.uint8Array({ maxLength: 100 }))
    .map(([type, value]) => concat(Uint8Array.of(type, 0, value.length), value));
  const list = fc.array(tlv, { maxLength: 6 }).map((all) => concat(...all));
  const hostile = fc.oneof(fc.uint8Array({ maxLength: 308 }), list);
  const property = fc.property(hostile, (bytes) => {
    const parsed = parsePayload(bytes, NO_HEADER);
    if (parsed !== undefined) t.truthy(writePayload(parsed, NO_HEADER, 400));
  });
  t.notThrows(() => fc.assert(property, { numRuns: RUNS }));
});

test("a later version may add odd types, which are ignored, and even ones, which are not", (t) => {
  const parse = (...bytes: number[]) => parsePayload(Uint8Array.from(bytes), NO_HEADER);
  const choice = { version: 1, suite: 2 };
  t.deepEqual(present(parse(10, 0, 2, 1, 2) ?? {}), { choice });
  t.deepEqual(present(parse(13, 0, 1, 9, 10, 0, 2, 1, 2) ?? {}), { choice });
  t.deepEqual(present(parse(255, 0, 0, 10, 0, 2, 1, 2, 0, 0) ?? {}), { choice });
  t.is(parse(14, 0, 1, 9, 10, 0, 2, 1, 2), undefined, "an unknown even type");
  t.is(parse(10, 0, 2, 1, 2, 10, 0, 2, 1, 2), undefined, "one type twice");
  t.is(parse(10, 0, 2, 1, 2, 0, 1), undefined, "padding that is not zero");
  t.is(parse(10, 0, 3, 1, 2), undefined, "a value longer than the payload");
  t.is(parse(10, 0), undefined, "a head cut off");
  t.is(parse(10, 0, 1, 1), undefined, "a value of another length");
  t.is(parse(2, 0, 97, 2, ...new Array<number>(96).fill(7)), undefined, "a delegated key");
});

test("limits out of their fields are the caller's mistake, and a small packet is the peer's", (t) => {
  const fine = {
    connectionCreditBytes: 1,
    streamCreditBytes: 1,
    bidirectionalStreams: 1,
    unidirectionalStreams: 1,
    largestPacketBytes: 1200,
    idleSeconds: 1,
  };
  for (const name of Object.keys(fine)) {
    for (const value of [-1, 0.5, 2 ** 48, Number.NaN]) {
      t.throws(() => writeLimits({ ...fine, [name]: value }), { instanceOf: RangeError }, name);
    }
  }
  const bytes = writeLimits(fine);
  t.is(bytes.length, LIMITS_BYTES);
  t.deepEqual(parseLimits(bytes), fine);
  bytes[21] = (bytes[21] as number) - 1;
  t.is(parseLimits(bytes), undefined);
  t.is(parseLimits(bytes.subarray(1)), undefined);
});

test("an observed address keeps family and port, and loses its scope", (t) => {
  for (const text of ["192.0.2.1:5000", "[2001:db8::1]:1", "[::1]:65535"]) {
    t.is(parseSocketAddress(writeSocketAddress(text) ?? NO_HEADER), text);
  }
  t.is(parseSocketAddress(writeSocketAddress("[fe80::1%2]:9") ?? NO_HEADER), "[fe80::1]:9");
  t.is(parseSocketAddress(writeSocketAddress("[::ffff:192.0.2.1]:9") ?? NO_HEADER), "192.0.2.1:9");
  t.is(writeSocketAddress("example.org:1"), undefined);
  t.is(parseSocketAddress(new Uint8Array(17)), undefined);
});
