/** Members of a cast that forge, lie and storm: nothing forged is written, and the others get their file. */

import test from "ava";
import { authFrame } from "../../src/multicast/cast/auth-frame.ts";
import { type CastKey, joinRecord } from "../../src/multicast/cast/key-record.ts";
import { RECORD_HEADER_BYTES, record } from "../../src/multicast/cast/records.ts";
import { type Status, statusRecord } from "../../src/multicast/cast/status-record.ts";
import { Forger, Liar } from "../sim/cast-insider.ts";
import type { CastWorld } from "../sim/cast-scenario.ts";
import { assertWhole, castWorld, extraBytes } from "../sim/cast-try.ts";
import type { Random } from "../sim/random.ts";
import { runs } from "../support/runs.ts";

/** A world in which the receivers have come and content has begun to flow. */
async function runningCast(count: number, setup: Parameters<typeof castWorld>[0] = {}) {
  const world = await castWorld({ ...setup, cast: { minReceivers: count, ...setup.cast } });
  for (let index = 0; index < count; index++) world.add();
  const { clock } = world.network;
  clock.run(5000, () => world.sender.progress().bytes > 0);
  return { world, key: world.receivers[0]?.key as CastKey, clock };
}

/** Calls until the cast is over. */
function during(world: CastWorld, ms: number, call: () => void): void {
  world.network.clock.after(ms, () => {
    if (world.isOver) return;
    call();
    during(world, ms, call);
  });
}

test("a member that forges symbols is named by its address, and nothing it made up is written", async (t) => {
  const { world, key } = await runningCast(3);
  const forger = new Forger(world, key);
  const { random } = world.network;
  during(world, 2, () => {
    const next = Math.floor(world.sender.progress().bytes / (128 * forger.symbolBytes));
    const bytes = random.bytes(4 * forger.symbolBytes);
    forger.symbols(next + random.below(4), random.below(188), bytes);
  });
  t.true(world.run(60_000));
  assertWhole(t, world.receivers, world.content);
  for (const { receipt } of world.receivers) {
    const [first, ...others] = receipt?.forged ?? [];
    t.is(first?.source, forger.hub.address);
    t.true((first?.symbols ?? 0) > 0);
    t.deepEqual(others, []);
  }
  t.true(extraBytes(world) < 2, `${extraBytes(world)}`);
});

test("a member that forges from a new address each time is worth nothing once one forgery was found", async (t) => {
  const { world, key, clock } = await runningCast(2, { bytes: 4_000_003 });
  const { random } = world.network;
  const forger = new Forger(world, key);
  let port = 1;
  during(world, 1, () => {
    Object.assign(forger.hub, { address: `198.51.100.7:${port++}` });
    const next = Math.floor(world.sender.progress().bytes / (128 * forger.symbolBytes));
    forger.symbols(
      next + random.below(3),
      random.below(128),
      random.bytes(forger.symbolBytes),
      100,
    );
  });
  t.true(world.run(60_000));
  assertWhole(t, world.receivers, world.content);
  t.true(port > 300, `${port}`);
  t.log(clock.now, extraBytes(world), world.receivers[0]?.receipt?.forged.length);
  for (const { receipt } of world.receivers) t.true((receipt?.forged.length ?? 0) <= 256);
  t.true(extraBytes(world) < 1, `${extraBytes(world)}`);
});

test("nobody but the sender can say how much was sent, or call for reports", async (t) => {
  const storm = async (isForged: boolean) => {
    const { world, key } = await runningCast(20);
    const forger = new Forger(world, key);
    const signer = {
      primitives: world.hub.primitives,
      castId: world.castId,
      authSeed: key.authKey,
    };
    const head = { stamp: 0, sentBlocks: 0xffff_ffff, statusIntervalMs: 1, receivers: 1 };
    during(world, 1, () => {
      head.stamp += 1000;
      if (isForged) forger.frames(authFrame(signer, { ...head, report: true }));
    });
    t.true(world.run(60_000));
    assertWhole(t, world.receivers, world.content);
    return { world, forger };
  };
  const calm = await storm(false);
  const { world, forger } = await storm(true);
  t.log(calm.world.feedbackBytes, world.feedbackBytes, extraBytes(calm.world), extraBytes(world));
  t.true(world.feedbackBytes < 2 * calm.world.feedbackBytes);
  t.true(extraBytes(world) < extraBytes(calm.world) + 0.1);
  for (const { receipt } of world.receivers) {
    t.deepEqual(
      receipt?.forged.map(({ source }) => source),
      [forger.hub.address],
    );
  }
});

test("what the sender said, repeated from elsewhere, makes nobody the sender", async (t) => {
  const { world, key } = await runningCast(2);
  const forger = new Forger(world, key);
  const { hub } = world.add();
  void hub;
  const frames: Uint8Array[] = [];
  const { network } = world;
  const send = network.send.bind(network);
  network.send = (from, to, keys, packets) => {
    for (const { bytes } of packets)
      if (from === world.hub && bytes[0] === 0x19) frames.push(bytes);
    send(from, to, keys, packets);
  };
  during(world, 1, () => {
    for (const frame of frames.splice(0)) forger.frames(frame, 20);
    forger.symbols(0, 0, network.random.bytes(forger.symbolBytes));
    const next = Math.floor(world.sender.progress().bytes / (128 * forger.symbolBytes));
    forger.symbols(next, 3, network.random.bytes(forger.symbolBytes));
  });
  t.true(world.run(60_000));
  assertWhole(t, world.receivers, world.content);
  t.true(extraBytes(world) < 1, `${extraBytes(world)}`);
});

test("a packet number from far ahead does not blind receivers: they are fed, and hear again", async (t) => {
  const { world, key } = await runningCast(2, { bytes: 3_000_000 });
  const forger = new Forger(world, key);
  forger.symbols(0, 0, world.network.random.bytes(forger.symbolBytes), 2 ** 40);
  t.true(world.run(60_000));
  assertWhole(t, world.receivers, world.content);
  t.deepEqual(
    world.report?.receivers.map(({ outcome }) => outcome),
    ["complete", "complete"],
  );
});

test("a forged block number has no receiver of a live cast thrown out", async (t) => {
  const { world, key } = await runningCast(2, { isLive: true });
  const forger = new Forger(world, key);
  const far = world.network.random.bytes(forger.symbolBytes);
  during(world, 5, () => forger.symbols(0xffff_fff0, 7, far));
  t.true(world.run(60_000));
  assertWhole(t, world.receivers, world.content);
});

test("symbols behind the end of a short last block change nothing", async (t) => {
  for (const isLive of [false, true]) {
    const bytes = 128 * 192 + 3 * 192;
    const { world, key } = await runningCast(1, {
      isLive,
      bytes,
      packetBytes: 232,
      bitsPerSecond: 1e6,
    });
    const forger = new Forger(world, key);
    const junk = world.network.random.bytes(forger.symbolBytes);
    let symbol = 3;
    during(world, 1, () => {
      forger.symbols(1, 3 + (symbol++ % 120), junk);
      forger.symbols(1, 128, junk);
    });
    t.true(world.run(60_000));
    assertWhole(t, world.receivers, world.content);
  }
});

const LIES: Readonly<Record<string, (liar: Liar, world: CastWorld) => void>> = {
  "that it misses everything, always": (liar, world) => {
    const blocks = Math.ceil(world.content.length / (128 * 192));
    liar.every(1, () =>
      liar.status({
        highest: blocks,
        channels: [{ channel: 0, largest: 10, received: 10 }],
        runs: [{ start: 0, length: blocks, missing: 128 }],
      }),
    );
  },
  "that it has no room, and gets all the same": (liar) => {
    let received = 0;
    liar.every(5, () => {
      received += 500;
      liar.status({ windowBytes: 0, channels: [{ channel: 0, largest: 1, received }] });
    });
  },
  "to have heard what was never sent": (liar) =>
    liar.every(5, () => liar.status({ channels: [{ channel: 0, largest: 2 ** 47, received: 1 }] })),
  "that it lacks every hash": (liar, world) => {
    const blocks = Math.ceil(world.content.length / (128 * 192));
    liar.every(1, () =>
      liar.status({
        highest: blocks,
        channels: [{ channel: 0, largest: 1 << 20, received: 1 << 20 }],
        runs: [{ start: 0, length: blocks, missing: 0 }],
      }),
    );
  },
  "nothing, though it came in": () => undefined,
  "that answers take a minute": (liar) => {
    let stamp = 1;
    liar.every(5, () => {
      stamp += 1000;
      liar.status({
        stamp,
        highest: 50,
        channels: [{ channel: 0, largest: 1, received: 1 }],
        runs: [{ start: 0, length: 50, missing: 5 }],
      });
    });
  },
};

for (const [what, lie] of Object.entries(LIES)) {
  test(`a receiver that says ${what} costs the others little`, async (t) => {
    const alone = await runningCast(4, { bytes: 12_000_000, packetBytes: 1452 });
    t.true(alone.world.run(60_000));
    const slowest = ({ world }: typeof alone) =>
      Math.max(...world.receivers.map(({ doneAt }) => doneAt));
    const lied = await runningCast(4, { bytes: 12_000_000, packetBytes: 1452 });
    lie(new Liar(lied.world).enter(), lied.world);
    const { clock } = lied;
    clock.run(clock.now + 60_000, () => lied.world.receivers.every(({ receipt }) => receipt));
    assertWhole(t, lied.world.receivers, lied.world.content);
    t.log(slowest(alone), slowest(lied), extraBytes(lied.world));
    t.true(slowest(lied) <= 2 * slowest(alone) + 1500, `${slowest(lied)} ${slowest(alone)}`);
    t.true(lied.world.run(300_000), "the cast ends all the same");
    t.true(extraBytes(lied.world) <= 2, `${extraBytes(lied.world)}`);
  });
}

/** A record of any type, its body random, or one that is right in itself. */
function anyRecord(random: Random, castId: Uint8Array): Uint8Array {
  const type = pick(random, [1, 2, 3, 4, 5, 6, 16, 17, 18, 19, 20, 21, 22, 23, 24]);
  const status: Status = {
    stamp: random.below(2 ** 32),
    heldUs: random.below(2 ** 32),
    delayUs: random.below(2 ** 32),
    deaf: random.chance(0.3),
    heard: random.below(2 ** 32),
    writtenBytes: random.below(2 ** 47),
    next: random.below(2 ** 32),
    highest: random.below(2 ** 32),
    windowBytes: random.below(2 ** 32),
    kernelDrops: random.below(2 ** 32),
    channels: [{ channel: random.below(256), largest: random.below(2 ** 47), received: 1 }],
    runs: [{ start: random.below(2 ** 31), length: 1 + random.below(2 ** 29), missing: 200 }],
  };
  if (random.chance(0.3)) return statusRecord(status);
  const proof = new Uint8Array(0);
  if (random.chance(0.1)) return joinRecord({ castId, suites: [1], receiveBufferBytes: 1, proof });
  const body = random.bytes(pick(random, [0, 1, 4, 6, 10, 36, 72, 300]));
  // Small numbers are the ones that mean something.
  if (body.length >= 4 && random.chance(0.7)) body.set([0, 0, 0, random.below(256)]);
  return record(type, body);
}

test("any records in any order leave a sender and its other receivers well", (t) => {
  return property(async (seed) => {
    const { world } = await runningCast(2, { seed, bytes: 400_000 });
    const { random } = world.network;
    const liars = [new Liar(world).enter(), new Liar(world)];
    for (const liar of liars) liar.every(1, () => liar.say(anyRecord(random, world.castId)));
    t.true(world.run(200_000), `seed ${seed}`);
    assertWhole(t, world.receivers, world.content);
  });
});

test("any records in any order leave a receiver to end with an error, or with what it was sent", (t) => {
  return property(async (seed) => {
    const world = await castWorld({ seed, bytes: 200_000 });
    const receiver = world.add();
    const { random, clock } = world.network;
    if (random.chance(0.5)) clock.run(5000, () => world.sender.progress().bytes > 0);
    for (let count = 0; count < 200; count++) {
      const bytes = anyRecord(random, world.castId);
      receiver.engine.receive(bytes[0] as number, bytes.slice(RECORD_HEADER_BYTES));
      clock.run(clock.now + random.below(3));
    }
    world.run(100_000);
    clock.run(clock.now + 60_000);
    t.true(receiver.error !== undefined || receiver.receipt !== undefined, `seed ${seed}`);
  });
});

async function property(check: (seed: number) => Promise<void>): Promise<void> {
  for (let seed = 1; seed <= runs(6); seed++) await check(seed);
}

function pick(random: Random, numbers: readonly number[]): number {
  return numbers[random.below(numbers.length)] as number;
}
