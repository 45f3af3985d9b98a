import { readFileSync } from "node:fs";
import test from "ava";
import type { Primitives } from "../../src/backend/port.ts";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import {
  announceKey,
  askedBy,
  isSigned,
  openPrivate,
  writeCast,
  writePeer,
  writePrivate,
  writeTaggedQuery,
} from "../../src/multicast/announcement.ts";
import { lanGroups } from "../../src/multicast/group-address.ts";
import { Identity } from "../../src/noise/identity.ts";
import {
  parseCastAnnouncement,
  parsePeerAnnouncement,
  parsePrivate,
  parseQuery,
} from "../../src/wire/announce.ts";
import { testPrimitives } from "../support/primitives.ts";

interface Announced {
  readonly seed: string;
  readonly network: string;
  readonly instance: string;
  readonly seq: number;
  readonly ttlSeconds: number;
  readonly addresses: readonly string[];
  readonly group: string;
  readonly packet: string;
}

interface Frozen {
  readonly lan: readonly { readonly network: string; readonly groups: readonly string[] }[];
  readonly peer: readonly Announced[];
  readonly cast: readonly (Announced & { readonly castId: string })[];
  readonly private: readonly (Announced & { readonly nonce: string })[];
  readonly query: readonly {
    readonly seed: string | null;
    readonly network: string;
    readonly group: string;
    readonly nonce: string;
    readonly packet: string;
  }[];
}

const frozen = JSON.parse(readFileSync("__test__/vectors/announce.json", "utf8")) as Frozen;
const bytesOf = (hex: string) => fromHex(hex) ?? new Uint8Array(0);

/** Primitives that draw these bytes. */
function drawing(primitives: Primitives, nonce: Uint8Array): Primitives {
  return new Proxy(primitives, {
    get(target, name: keyof Primitives) {
      if (name === "randomBytes") return () => nonce;
      return (target[name] as (...args: never[]) => unknown).bind(target);
    },
  });
}

for (const [backend, primitives] of await testPrimitives()) {
  const identityOf = ({ seed }: { readonly seed: string }) =>
    new Identity(primitives, bytesOf(seed));
  const announcedBy = (
    identity: Identity,
    { instance, seq, ttlSeconds, addresses }: Announced,
  ) => ({
    key: identity.key,
    staticKey: identity.staticPublic,
    instance: bytesOf(instance),
    seq,
    ttlSeconds,
    addresses,
  });

  test(`${backend}: the groups of a network follow from its name`, (t) => {
    for (const { network, groups } of frozen.lan)
      t.deepEqual(
        lanGroups(bytesOf(network), (data) => primitives.sha512(data)),
        groups,
      );
  });

  test(`${backend}: frozen announcements are written exactly, and verify on their group alone`, (t) => {
    for (const one of frozen.peer) {
      const identity = identityOf(one);
      const sign = (message: Uint8Array) => identity.sign(message);
      t.is(toHex(writePeer(announcedBy(identity, one), one.group, sign)), one.packet);
      const read = parsePeerAnnouncement(bytesOf(one.packet));
      if (read === undefined) return t.fail("it is not read");
      t.true(isSigned(primitives, read, one.group));
      for (const { group } of frozen.peer)
        t.is(isSigned(primitives, read, group), group === one.group, group);
    }
    return t.pass();
  });

  test(`${backend}: frozen announcements of casts are written exactly, and verify on their group alone`, (t) => {
    for (const one of frozen.cast) {
      const identity = identityOf(one);
      const sign = (message: Uint8Array) => identity.sign(message);
      const castId = bytesOf(one.castId);
      t.is(toHex(writeCast(announcedBy(identity, one), castId, one.group, sign)), one.packet);
      const read = parseCastAnnouncement(bytesOf(one.packet));
      if (read === undefined) return t.fail("it is not read");
      t.like(read, { ...announcedBy(identity, one), castId });
      for (const { group } of frozen.cast)
        t.is(isSigned(primitives, read, group), group === one.group, group);
    }
    return t.pass();
  });

  test(`${backend}: private ones are noise to whoever lacks the key, and to other networks`, (t) => {
    for (const one of frozen.private) {
      const identity = identityOf(one);
      const sign = (message: Uint8Array) => identity.sign(message);
      const keys = announceKey(primitives, identity.key, bytesOf(one.network));
      const drawn = drawing(primitives, bytesOf(one.nonce));
      const announced = announcedBy(identity, one);
      t.is(toHex(writePrivate(drawn, announced, one.group, keys, sign)), one.packet);
      const packet = parsePrivate(bytesOf(one.packet));
      if (packet === undefined) return t.fail("it is not read");
      const read = openPrivate(primitives, packet, one.group, identity.key, keys);
      t.like(read, announced);
      t.true(read !== undefined && isSigned(primitives, read, one.group));
      for (const other of frozen.private) {
        const others = announceKey(primitives, identityOf(other).key, bytesOf(other.network));
        const opened = openPrivate(primitives, packet, other.group, identityOf(other).key, others);
        t.is(opened !== undefined, other === one);
      }
      const text = toHex(bytesOf(one.packet));
      for (const secret of [identity.key, identity.staticPublic, bytesOf(one.instance)])
        t.false(text.includes(toHex(secret)));
    }
    return t.pass();
  });

  test(`${backend}: a flipped bit anywhere makes a private one unreadable or unsigned`, (t) => {
    const one = frozen.private[2] as (typeof frozen.private)[number];
    const { key } = identityOf(one);
    const keys = announceKey(primitives, key, bytesOf(one.network));
    const good = bytesOf(one.packet);
    for (let at = 0; at < good.length; at++) {
      const bad = good.slice();
      bad[at] = (bad[at] as number) ^ 1;
      const packet = parsePrivate(bad);
      t.is(packet && openPrivate(primitives, packet, one.group, key, keys), undefined, `${at}`);
    }
  });

  test(`${backend}: a query reaches whom it asks`, (t) => {
    for (const one of frozen.query) {
      const network = bytesOf(one.network);
      const keys =
        one.seed === null
          ? undefined
          : announceKey(primitives, identityOf({ seed: one.seed }).key, network);
      const drawn = drawing(primitives, bytesOf(one.nonce));
      t.is(toHex(writeTaggedQuery(drawn, one.group, keys)), one.packet);
      const query = parseQuery(bytesOf(one.packet));
      if (query === undefined) return t.fail("it is not read");
      for (const { seed, network: theirs } of frozen.peer) {
        const asked = announceKey(primitives, identityOf({ seed }).key, bytesOf(theirs));
        const isUs = seed === one.seed && theirs === one.network;
        const expected = one.seed === null ? "everyone" : isUs ? "us" : undefined;
        t.is(askedBy(primitives, query, one.group, asked), expected);
      }
    }
    return t.pass();
  });
}
