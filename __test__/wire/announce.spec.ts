import test from "ava";
import fc from "fast-check";
import { concat, equalBytes } from "../../src/base/bytes.ts";
import {
  ANNOUNCE_KIND,
  announcementBody,
  castAnnouncementBody,
  parseCastAnnouncement,
  parsePeerAnnouncement,
  parsePrivate,
  parsePrivateInner,
  parseQuery,
  privateInner,
  QUERY_BYTES,
  taggedHead,
  writeQuery,
} from "../../src/wire/announce.ts";
import { runs } from "../support/runs.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const port = fc.integer({ min: 0, max: 65_535 });
const address = fc.oneof(
  fc.tuple(fc.ipV4(), port).map(([ip, number]) => `${ip}:${number}`),
  port.map((number) => `[2001:db8::7]:${number}`),
  fc.constant("[ff3e:40:2001:db8:1:2:b8e7:624c]:6727"),
);
const announcement = fc.record({
  key: bytes(32),
  staticKey: bytes(32),
  instance: bytes(8),
  seq: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  ttlSeconds: fc.integer({ min: 0, max: 65_535 }),
  addresses: fc.array(address, { maxLength: 8 }),
});

test("what is written is read, in the open and out of the box", (t) => {
  fc.assert(
    fc.property(announcement, bytes(64), (written, signature) => {
      const open = announcementBody(ANNOUNCE_KIND.peer, written);
      const read = parsePeerAnnouncement(concat(open, signature));
      t.like(read, { ...written });
      t.deepEqual([read?.signed, read?.signature], [open, signature]);
      const hidden = announcementBody(ANNOUNCE_KIND.private, written);
      const inner = parsePrivateInner(written.key, privateInner(hidden, signature));
      t.like(inner, { ...written });
      t.deepEqual([inner?.signed, inner?.signature], [hidden, signature]);
      t.true(open.length + 64 < QUERY_BYTES);
      const castId = signature.subarray(0, 16);
      const ofCast = castAnnouncementBody(written, castId);
      const cast = parseCastAnnouncement(concat(ofCast, signature));
      t.like(cast, { ...written, castId, signed: ofCast, signature });
      t.is(parsePeerAnnouncement(concat(ofCast, signature)), undefined);
    }),
    { numRuns: runs(100) },
  );
});

test("hostile bytes are never an exception, and what is read would be written so", (t) => {
  const head = fc.tuple(fc.constant(0x58), fc.constantFrom(1, 1, 1, 2), fc.nat(5), fc.nat(9));
  fc.assert(
    fc.property(head, fc.uint8Array({ maxLength: 360 }), (start, rest) => {
      const packet = concat(Uint8Array.from(start), rest);
      const peer = parsePeerAnnouncement(packet);
      if (peer !== undefined)
        t.deepEqual(concat(announcementBody(ANNOUNCE_KIND.peer, peer), peer.signature), packet);
      const cast = parseCastAnnouncement(packet);
      if (cast !== undefined)
        t.deepEqual(concat(castAnnouncementBody(cast, cast.castId), cast.signature), packet);
      const query = parseQuery(packet);
      t.true(query === undefined || packet.length >= QUERY_BYTES);
      t.true(parsePrivate(packet) === undefined || packet.length === 307);
      parsePrivateInner(new Uint8Array(32), rest);
    }),
    { numRuns: runs(300) },
  );
});

test("any other length, version, kind or count is no announcement", (t) => {
  const written = {
    key: new Uint8Array(32),
    staticKey: new Uint8Array(32),
    instance: new Uint8Array(8),
    seq: 7,
    ttlSeconds: 15,
    addresses: ["192.0.2.1:5000"],
  };
  const good = concat(announcementBody(ANNOUNCE_KIND.peer, written), new Uint8Array(64));
  t.truthy(parsePeerAnnouncement(good));
  for (let length = 0; length < good.length; length++)
    t.is(parsePeerAnnouncement(good.subarray(0, length)), undefined, `${length} bytes`);
  t.is(parsePeerAnnouncement(concat(good, new Uint8Array(1))), undefined);
  for (const at of [0, 1, 2, 3]) {
    const bad = good.slice();
    bad[at] = (bad[at] as number) ^ 1;
    t.is(parsePeerAnnouncement(bad), undefined, `byte ${at}`);
  }
  const vast = good.slice();
  vast[76] = 0x80;
  t.is(parsePeerAnnouncement(vast), undefined, "a seq above 2^53");
  const nine = { ...written, addresses: Array<string>(9).fill("192.0.2.1:5000") };
  t.throws(() => announcementBody(ANNOUNCE_KIND.peer, nine), { instanceOf: RangeError });
  t.throws(() => announcementBody(ANNOUNCE_KIND.peer, { ...written, addresses: ["host:1"] }), {
    instanceOf: TypeError,
  });
});

test("a query is longer than any answer, and padding in a box is zero", (t) => {
  const query = writeQuery(
    taggedHead(ANNOUNCE_KIND.query, new Uint8Array(12).fill(7)),
    new Uint8Array(16).fill(9),
  );
  t.is(query.length, QUERY_BYTES);
  t.true(equalBytes(parseQuery(query)?.tag ?? query, new Uint8Array(16).fill(9)));
  t.is(parseQuery(query.subarray(0, QUERY_BYTES - 1)), undefined);
  const inner = new Uint8Array(259);
  t.truthy(parsePrivateInner(new Uint8Array(32), inner));
  for (const at of [51, 194]) {
    const bad = inner.slice();
    bad[at] = 1;
    t.is(parsePrivateInner(new Uint8Array(32), bad), undefined, `byte ${at}`);
  }
});
