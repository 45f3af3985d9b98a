/** What programs do for days: nothing may stay behind of what is over. */
import { queryObjects } from "node:v8";
import test from "ava";
import { nearbyPeers } from "../../src/endpoint/nearby.ts";
import type { Discovery } from "../../src/multicast/discovery.ts";
import type { Sighting } from "../../src/multicast/sighting.ts";
import { running } from "../../src/transfer/cast-files.ts";
import { openPair } from "./pair.ts";

/** Serial: the counts are of all there are. */
test.serial(
  "waits for a stream that are given up leave nothing, though the peer grants none",
  async (t) => {
    const { there } = await openPair(t, ["fallback", "fallback"], {
      limits: { bidirectionalStreams: 1 },
      discovery: { mode: "off" },
    });
    await there.openStream();
    const before = queryObjects(Promise, { format: "count" });
    for (let count = 0; count < 2000; count++) {
      const giveUp = new AbortController();
      const waiting = there.openStream({ signal: giveUp.signal });
      giveUp.abort(new Error("enough"));
      await t.throwsAsync(waiting, { message: "enough" });
    }
    const left = queryObjects(Promise, { format: "count" }) - before;
    t.true(left < 1000, `${left} promises`);
  },
);

test.serial("a loop over a live cast's progress remembers no tick", async (t) => {
  t.timeout(30_000);
  let end = (): void => undefined;
  const done = new Promise<never>((_, reject) => {
    end = () => reject(new Error("over"));
  });
  const casting = { done, progress: () => ({ bytes: 0 }) };
  const { setTimeout } = globalThis;
  globalThis.setTimeout = ((call: () => void) => setTimeout(call, 0)) as typeof setTimeout;
  t.teardown(() => {
    globalThis.setTimeout = setTimeout;
  });
  const loop = running(casting as never)[Symbol.asyncIterator]();
  await loop.next();
  const before = queryObjects(Promise, { format: "count" });
  for (let tick = 0; tick < 1000; tick++) await loop.next();
  const left = queryObjects(Promise, { format: "count" }) - before;
  t.true(left < 500, `${left} promises`);
  const last = loop.next();
  end();
  await t.throwsAsync(last, { message: "over" });
});

test("who looks around for days forgets whom it met long ago, and shows nobody twice before", async (t) => {
  let found: (sighting: Sighting) => void = () => undefined;
  const discovery = {
    follow: () => undefined,
    search: (_key: undefined, call: typeof found) => {
      found = call;
      return () => undefined;
    },
  } as unknown as Discovery;
  const sighting = (number: number): Sighting => {
    const key = new Uint8Array(32);
    new DataView(key.buffer).setUint32(0, number);
    const known = { staticKey: key, groups: [], interfaceName: "lo", expiresAt: 0 };
    return { ...known, key, instance: new Uint8Array(8), addresses: [`192.0.2.1:${number}`] };
  };
  const loop = nearbyPeers(discovery, [], undefined)[Symbol.asyncIterator]();
  const shows = async (number: number) => {
    found(sighting(number));
    found(sighting(-1 >>> 0));
    const { value } = await loop.next();
    const isShown = value?.addresses[0] === `192.0.2.1:${number}`;
    return isShown;
  };
  found(sighting(-1 >>> 0));
  await loop.next();
  for (let number = 0; number < 20_000; number++) t.true(await shows(number));
  t.true(await shows(0), "it was forgotten, and is news again");
});

test("a thousand streams read a little of by the program hold no more than 64 KiB each besides", async (t) => {
  const { there } = await openPair(t, ["fallback", "fallback"], { discovery: { mode: "off" } });
  const streams = await Promise.all(Array.from({ length: 1000 }, () => there.openStream()));
  const waters = streams.map(
    (stream) => stream.readableHighWaterMark + stream.writableHighWaterMark,
  );
  t.is(waters[0], 2 * 1024 * 1024, "a few are as fast as can be");
  t.is(waters.at(-1), 128 * 1024);
  t.true(waters.reduce((sum, water) => sum + water, 0) <= 256 * 1024 * 1024);
});
