/**
 * Casts of every kind in virtual time: each seed is a network, a sender and receivers that are late, deaf,
 * slow, full or gone. Whoever can get everything does, everybody else is reported as what became of them.
 */
import test, { type ExecutionContext } from "ava";
import { equalBytes } from "../../src/base/bytes.ts";
import type { Mp2pError } from "../../src/base/errors.ts";
import type { CastPolicy } from "../../src/multicast/cast/contract.ts";
import { Geometry } from "../../src/multicast/cast/geometry.ts";
import { Wire } from "../sim/cast-hub.ts";
import type { CastWorld, ReceiverSetup, SimReceiver } from "../sim/cast-scenario.ts";
import { castWorld } from "../sim/cast-try.ts";
import { Random } from "../sim/random.ts";

const SEEDS = process.env.MP2P_SOAK === "1" ? 1000 : 60;
const LONGEST_MS = 600_000;
const POLICIES: readonly CastPolicy[] = ["slowest", "fast", "required"];

interface Guest {
  readonly receiver: SimReceiver;
  readonly vanishes: boolean;
  readonly isFull: boolean;
}

for (const [first, last] of [
  [0, SEEDS / 2],
  [SEEDS / 2, SEEDS],
] as const)
  test(`whoever can have everything gets it: seeds ${first} to ${last}`, async (t) => {
    for (let seed = first; seed < last; seed++) await tryOut(t, seed);
  });

test("who comes to a live cast after its beginning is told so, and nobody waits for it", async (t) => {
  const world = await castWorld({ bytes: 5_000_000, isLive: true, bitsPerSecond: 50e6 });
  const early = world.add();
  world.network.clock.run(300);
  const late = world.add();
  t.true(world.run(20_000));
  t.true(equalBytes(early.written, world.content));
  t.is((late.error as Mp2pError).code, "MP2P_REFUSED");
  t.deepEqual(
    world.report?.receivers.map(({ outcome }) => outcome),
    ["complete"],
  );
});

test("a receiver that is interrupted and comes back has one line, of how it ended", async (t) => {
  const world = await castWorld({ bytes: 5_000_000, bitsPerSecond: 50e6 });
  world.add();
  const key = new Uint8Array(32).fill(7);
  const first = world.add({ key });
  world.network.clock.run(300);
  first.engine.decline(new Error("Ctrl-C"));
  world.network.clock.run(400);
  t.deepEqual(
    world.sender.receivers().map(({ state }) => state),
    ["receiving", "partial"],
  );
  const second = world.add({ key, held: first.held() });
  t.true(world.run(20_000));
  t.deepEqual(
    world.report?.receivers.map(({ outcome }) => outcome),
    ["complete", "complete"],
  );
  t.true(second.receipt !== undefined && second.receipt.heldBytes > 0);
  t.is(world.sender.progress().receivers, 2);
});

test("whoever wants only the end of what is long gets it", async (t) => {
  const world = await castWorld({ bytes: 13_000_000, bitsPerSecond: 1e9 });
  const last = new Geometry(world.packetBytes, 13_000_000).blocks - 1;
  const held = Array.from({ length: last }, (_, block) => ({ block, hash: new Uint8Array() }));
  const receiver = world.add({ held });
  t.true(world.run(20_000));
  t.is(receiver.error, undefined);
  t.deepEqual([...receiver.hashes.keys()], [last]);
});

test("how long a cast took does not count waiting for the others", async (t) => {
  const cast = { minReceivers: 2 };
  const world = await castWorld({ bytes: 5_000_000, bitsPerSecond: 50e6, cast });
  const early = world.add();
  world.network.clock.run(8000);
  const late = world.add();
  t.true(world.run(20_000));
  const all = [early, late].map(({ receipt }) => receipt?.seconds ?? Number.NaN);
  const told = world.report?.receivers.map(({ seconds }) => seconds) ?? [];
  t.is(told.length, 2);
  // 0.8 s at the rate of the path.
  for (const seconds of [...all, ...told, world.report?.seconds ?? Number.NaN])
    t.true(seconds > 0.7 && seconds < 2, `${seconds} s`);
});

async function tryOut(t: ExecutionContext, seed: number): Promise<void> {
  const random = new Random(seed + 1);
  const between = (least: number, most: number) => least + random.next() * (most - least);
  const isLive = random.chance(0.25);
  const bitsPerSecond = between(10e6, 200e6);
  const atFirst = 1 + Math.floor(between(0, 4));
  const policy = POLICIES[Math.floor(between(0, POLICIES.length))] as CastPolicy;
  const world = await castWorld({
    seed: seed + 1,
    bytes: Math.floor(between(0, 1_500_000)),
    bitsPerSecond,
    queueBytes: between(60_000, 1_000_000),
    packetBytes: random.chance(0.5) ? 232 : 1452,
    isLive,
    cast: { minReceivers: atFirst, waitMs: 5000, policy },
  });
  const guests: Guest[] = [];
  const come = (): void => {
    if (world.isOver) return;
    const isFull = random.chance(0.1);
    const setup = someSetup(random, bitsPerSecond, isFull);
    const receiver = world.add(setup);
    const vanishes = random.chance(0.1);
    if (vanishes) world.network.clock.after(between(0, 500), () => receiver.vanish());
    guests.push({ receiver, vanishes, isFull });
  };
  for (let count = 0; count < atFirst; count++) come();
  const late = isLive ? 0 : Math.floor(between(0, 3));
  for (let count = 0; count < late; count++) world.network.clock.after(between(0, 400), come);
  t.true(world.run(LONGEST_MS), `seed ${seed} ends`);
  for (const guest of guests)
    judge(t, world, guest, `seed ${seed}, receiver ${guests.indexOf(guest)}`);
}

function someSetup(random: Random, bitsPerSecond: number, isFull: boolean): ReceiverSetup {
  const between = (least: number, most: number) => least + random.next() * (most - least);
  const slowBits = bitsPerSecond * between(0.03, 0.3);
  return {
    loss: random.chance(0.5) ? between(0, 0.1) : 0,
    deaf: random.chance(0.15),
    delayMs: random.chance(0.2) ? between(1, 60) : 0.2,
    receiveBufferBytes: random.chance(0.3) ? 256 * 1024 : 8 * 1024 * 1024,
    writeMs: random.chance(0.2) ? between(1, 10) : 0.1,
    ...(random.chance(0.2)
      ? { wire: new Wire(slowBits, between(20_000, 200_000)), streamBitsPerSecond: slowBits }
      : {}),
    ...(isFull ? { fullAfter: Math.floor(between(0, 4)) } : {}),
  };
}

function judge(
  t: ExecutionContext,
  { content, report }: CastWorld,
  { receiver, vanishes, isFull }: Guest,
  what: string,
): void {
  const isWhole = receiver.receipt !== undefined && equalBytes(receiver.written, content);
  if (!vanishes && !isFull) t.true(isWhole, `${what}: ${String(receiver.error)}`);
  const lines = report?.receivers.filter(({ key }) => equalBytes(key, receiver.hub.key)) ?? [];
  if (vanishes && lines.length === 0) return;
  t.is(lines.length, 1, what);
  const outcome = lines[0]?.outcome;
  if (isWhole && !vanishes) t.is(outcome, "complete", what);
  else if (!isWhole) t.not(outcome, "complete", what);
}
