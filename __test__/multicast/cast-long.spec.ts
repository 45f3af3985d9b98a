/** Casts that go on for long, and are knocked at for long: what is kept of what is over, and who is told of the end. */
import { queryObjects } from "node:v8";
import test from "ava";
import type { Primitives } from "../../src/backend/port.ts";
import { Audience } from "../../src/multicast/cast/audience.ts";
import { BlockSource } from "../../src/multicast/cast/block-source.ts";
import { Geometry } from "../../src/multicast/cast/geometry.ts";
import { joinRecord } from "../../src/multicast/cast/key-record.ts";
import { Peer } from "../../src/multicast/cast/peer.ts";
import { HASH_BYTES, RECORD, RECORD_HEADER_BYTES } from "../../src/multicast/cast/records.ts";

const PACKET_BYTES = 232;
const LINK = { send: () => undefined, backlog: () => 0, close: () => undefined };
/** Of a block that begins with its number. */
const blake3 = (data: Uint8Array): Uint8Array => {
  const hash = new Uint8Array(HASH_BYTES);
  hash.set(data.subarray(0, 4));
  return hash;
};
const primitives = { blake3 } as Primitives;

function sourceOf(bytes: number | undefined): { geometry: Geometry; source: BlockSource } {
  const geometry = new Geometry(PACKET_BYTES, bytes);
  const content = {
    manifest: new Uint8Array(0),
    bytes,
    read: (offset: number, into: Uint8Array, done: (bytes: number, error: unknown) => void) => {
      new DataView(into.buffer, into.byteOffset).setUint32(0, offset / geometry.blockBytes);
      done(into.length, undefined);
    },
  };
  return { geometry, source: new BlockSource(content, geometry, primitives, () => undefined) };
}

test("a live cast keeps the hashes of what somebody may need, however many blocks it sends", (t) => {
  const { source } = sourceOf(undefined);
  for (let block = 0; block < 100_000; block++) {
    source.want(block);
    source.settled = Math.max(0, block - 200);
    if (block % 1000 > 0) continue;
    for (let each = source.settled; each <= block; each++)
      t.deepEqual(source.hash(each), blake3(source.get(each) ?? new Uint8Array(0)));
  }
  t.is(source.hashed, 100_000);
  t.true(source.hash(99_999).buffer.byteLength <= 4096 * HASH_BYTES);
  t.true(source.firstHash > 90_000);
});

test("hashes of files are kept, for those who come late", (t) => {
  const { geometry, source } = sourceOf(10_000 * 128 * 200);
  const { blocks } = geometry;
  for (let block = 0; block < blocks; block++) {
    source.want(block);
    source.settled = block;
  }
  t.is(source.hashed, blocks);
  t.is(source.firstHash, 0);
});

function audienceOf(bytes: number | undefined, admitted: boolean): [Audience, Geometry] {
  const { geometry, source } = sourceOf(bytes);
  const manifest = new Uint8Array(0);
  const door = {
    primitives,
    castId: new Uint8Array(16),
    key: new Uint8Array(32),
    secret: undefined,
    manifest,
    admits: (_key: Uint8Array, done: (admitted: boolean) => void) => done(admitted),
  };
  const castKey = {
    suite: 1 as const,
    packetBytes: PACKET_BYTES,
    authKey: new Uint8Array(32),
    senderKey: new Uint8Array(32),
    manifestBytes: 0,
    manifestHash: new Uint8Array(32),
    channels: 1,
    groups: [],
  };
  const hooks = {
    sentBlocks: () => 0,
    reported: () => undefined,
    channels: () => [],
    gone: () => undefined,
  };
  return [new Audience(door, { source, geometry, castKey }, hooks, 0), geometry];
}

/** Serial: the count is of all there are. */
test.serial("nothing is kept of those who knock and are not let in", (t) => {
  const [audience] = audienceOf(1_000_000, false);
  for (let count = 0; count < 1000; count++) {
    const peer = audience.add(new Uint8Array(32), LINK, count);
    audience.receive(peer, RECORD.JOIN, new Uint8Array(3), count);
    t.is(peer.outcome, "declined");
  }
  t.true(queryObjects(Peer, { format: "count" }) <= 1);
  t.is(audience.peers.length, 0);
});

test("who is in a live cast hears of its end, once; the length of files is told at the door", (t) => {
  const castId = new Uint8Array(16);
  const proof = new Uint8Array(0);
  const join = joinRecord({ castId, suites: [1], receiveBufferBytes: 0, proof });
  for (const bytes of [1_000_000, undefined]) {
    const [audience, geometry] = audienceOf(bytes, true);
    const enter = (name: number): number[] => {
      const types: number[] = [];
      const send = (record: Uint8Array) => types.push(record[0] ?? 0);
      const peer = audience.add(new Uint8Array(32).fill(name), { ...LINK, send }, 0);
      audience.receive(peer, RECORD.JOIN, join.subarray(RECORD_HEADER_BYTES), 0);
      audience.receive(peer, RECORD.READY, Uint8Array.of(0), 0);
      return types;
    };
    const early = enter(1);
    geometry.bytes = 1_000_000;
    audience.tellEnd();
    audience.tellEnd();
    const ends = bytes === undefined ? [RECORD.END] : [];
    t.deepEqual(early, [RECORD.KEY, ...ends]);
    t.deepEqual(enter(2), [RECORD.KEY, ...ends]);
  }
});
