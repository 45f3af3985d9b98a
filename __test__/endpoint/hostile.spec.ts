/**
 * Hostile datagrams at live endpoints while a stream runs: none is accepted, nothing is lost,
 * everything is counted. MP2P_SOAK=1 sends a million.
 */
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import test from "ava";
import type { SocketCounters } from "../../src/backend/counters.ts";
import type { Endpoint } from "../../src/endpoint/endpoint.ts";
import { availableKinds } from "../support/backends.ts";
import { UdpProxy } from "../support/proxy.ts";
import { firstOf, openEndpoint } from "./pair.ts";

const SOAK = process.env.MP2P_SOAK === "1";
const DATAGRAMS = SOAK ? 1_000_000 : 12_000;
const STREAM_BYTES = SOAK ? 512 << 20 : 8 << 20;
const BATCH = 64;

type Attack = (
  proxy: UdpProxy,
  random: (below: number) => number,
) => [bytes: Uint8Array, toServer: boolean];

function sample(proxy: UdpProxy, random: (below: number) => number) {
  return proxy.seen[random(proxy.seen.length)] as { bytes: Buffer; toServer: boolean };
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  random: (_proxy, random) => [randomBytes(random(1500)), random(2) === 0],
  "random with a type": (_proxy, random) => {
    const bytes = randomBytes(1 + random(1500));
    bytes[0] = 0x50 + random(11);
    return [bytes, random(2) === 0];
  },
  truncated: (proxy, random) => {
    const { bytes, toServer } = sample(proxy, random);
    return [bytes.subarray(0, random(bytes.length)), toServer];
  },
  "one bit flipped": (proxy, random) => {
    const { bytes, toServer } = sample(proxy, random);
    const forged = Buffer.from(bytes);
    const bit = random(forged.length * 8);
    forged[bit >> 3] = (forged[bit >> 3] as number) ^ (1 << (bit & 7));
    return [forged, toServer];
  },
  replayed: (proxy, random) => {
    const { bytes, toServer } = sample(proxy, random);
    return [bytes, toServer];
  },
  reflected: (proxy, random) => {
    const { bytes, toServer } = sample(proxy, random);
    return [bytes, !toServer];
  },
};

async function attack(proxy: UdpProxy, count: number): Promise<void> {
  const names = Object.keys(ATTACKS);
  const random = (below: number) => Math.floor(Math.random() * below);
  for (let sent = 0; sent < count; sent += BATCH) {
    const sends: Promise<void>[] = [];
    for (let n = 0; n < BATCH; n++) {
      const make = ATTACKS[names[(sent + n) % names.length] as string] as Attack;
      const [bytes, toServer] = make(proxy, random);
      sends.push(proxy.inject(bytes, toServer));
    }
    await Promise.all(sends);
  }
}

function refused(endpoint: Endpoint): number {
  const counters: SocketCounters = endpoint.counters();
  return Object.entries(counters)
    .filter(([name]) => name.startsWith("dropped") && name !== "droppedKernel")
    .reduce((sum, [, count]) => sum + (count as number), 0);
}

for (const kind of await availableKinds()) {
  test.serial(
    `${kind}: ${DATAGRAMS} hostile datagrams cost a running stream nothing`,
    async (t) => {
      t.timeout(SOAK ? 900_000 : 120_000);
      const bob = await openEndpoint(t, { backend: kind });
      const alice = await openEndpoint(t, { backend: kind });
      const proxy = await UdpProxy.open(bob.addresses[0] as string);
      t.teardown(() => proxy.close());
      const there = await alice.connect(bob.ticket({ addresses: [proxy.address] }));
      const here = await firstOf(bob.sessions());
      const data = randomBytes(1 << 20);
      const expected = createHash("sha256");
      const rounds = STREAM_BYTES / data.length;
      for (let n = 0; n < rounds; n++) expected.update(data);
      async function* source() {
        for (let n = 0; n < rounds; n++) yield data;
      }
      const sending = await there.openStream({ unidirectional: true });
      const sent = pipeline(Readable.from(source()), sending);
      const received = createHash("sha256");
      const incoming = await firstOf(here.streams());
      const attacking = attack(proxy, DATAGRAMS);
      for await (const chunk of incoming) received.update(chunk as Buffer);
      await Promise.all([sent, attacking]);

      t.is(received.digest("hex"), expected.digest("hex"));
      t.true(refused(alice) + refused(bob) > 0, "hostile datagrams were counted");
      const sessions = await Promise.race([firstOf(bob.sessions()), Promise.resolve("none")]);
      t.is(sessions, "none", "no session but ours was opened");
      there.send(Uint8Array.of(1));
      await firstOf(here.datagrams());
    },
  );
}
