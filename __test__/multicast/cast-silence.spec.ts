/** Casts where the network or a machine is away for a while: who comes back goes on. In virtual time. */
import test from "ava";
import { assertWhole, castWorld, extraBytes } from "../sim/cast-try.ts";

/** Of ten megabytes: a second and a bit. */
const SETUP = { packetBytes: 1452, bytes: 10_000_000 };
const BEGUN_MS = 300;

for (const [count, awayMs] of [
  [1, 3000],
  [2, 50_000],
  [20, 20_000],
] as const)
  test(`${count} receivers are off the network for ${awayMs / 1000} s, and go on at once, by multicast`, async (t) => {
    const world = await castWorld({ ...SETUP, cast: { minReceivers: count } });
    for (let added = 0; added < count; added++) world.add();
    const { clock } = world.network;
    clock.run(BEGUN_MS);
    for (const receiver of world.receivers) receiver.unplug(awayMs);
    clock.run(BEGUN_MS + awayMs);
    t.true(world.sender.progress().bytes < world.content.length);
    t.true(world.run(5000), "ends soon after");
    assertWhole(t, world.receivers, world.content);
    // What was under way when the network went away goes again, to all at once.
    t.true(extraBytes(world) < 0.7, `extra ${extraBytes(world)}`);
  });

test("two of three receivers are off the network: the third is done in time, and they are later", async (t) => {
  const world = await castWorld({ ...SETUP, cast: { minReceivers: 3 } });
  const steady = world.add();
  const away = [world.add(), world.add()];
  const { clock } = world.network;
  clock.run(BEGUN_MS);
  for (const receiver of away) receiver.unplug(25_000);
  t.true(world.run(60_000));
  assertWhole(t, world.receivers, world.content);
  t.true(steady.doneAt < 15_000, `done at ${steady.doneAt}`);
});

test("where packets of the cast do not pass any more, and smaller ones do, streams carry the rest", async (t) => {
  for (const count of [1, 3]) {
    const world = await castWorld({ ...SETUP, cast: { minReceivers: count } });
    for (let added = 0; added < count; added++) world.add();
    const { clock } = world.network;
    clock.run(BEGUN_MS);
    for (const { hub } of world.receivers) hub.mtuBytes = 1280;
    t.true(world.run(25_000), `${count} receivers`);
    assertWhole(t, world.receivers, world.content);
    t.deepEqual(new Set(world.receivers.map(({ receipt }) => receipt?.path)), new Set(["unicast"]));
  }
});

test("a receiver that does not come back is lost after a minute, and the others have everything", async (t) => {
  const world = await castWorld({ ...SETUP, cast: { minReceivers: 2 } });
  const steady = world.add();
  const gone = world.add();
  const { clock } = world.network;
  clock.run(BEGUN_MS);
  gone.unplug(1e9);
  t.true(clock.run(59_000, () => steady.receipt !== undefined));
  t.is(world.report, undefined);
  t.true(world.run(61_000));
  assertWhole(t, [steady], world.content);
  const outcomes = world.report?.receivers.map(({ outcome }) => outcome);
  t.deepEqual(outcomes, ["complete", "lost"]);
  clock.run(clock.now + 61_000);
  t.regex(String(gone.error), /the sender fell silent/);
});

test("the only receiver is interrupted: the cast waits for it to come back, and goes on where it was", async (t) => {
  const world = await castWorld(SETUP);
  const first = world.add();
  const { clock } = world.network;
  clock.run(BEGUN_MS);
  first.engine.decline(new Error("Ctrl-C"));
  clock.run(BEGUN_MS + 50_000);
  t.false(world.isOver);
  const second = world.add({ key: first.hub.key, held: first.held() });
  t.true(world.run(10_000));
  t.true(second.receipt !== undefined && second.receipt.heldBytes > 0);
  t.deepEqual(
    world.report?.receivers.map(({ outcome }) => outcome),
    ["complete"],
  );
});

for (const [how, why] of [
  ["decline", "it was interrupted (MP2P_CLOSED)"],
  ["leave", "it closed the connection (MP2P_CLOSED)"],
] as const)
  test(`one of two receivers is interrupted (${how}): the cast ends as soon as the other has everything`, async (t) => {
    const world = await castWorld({ ...SETUP, cast: { minReceivers: 2 } });
    const steady = world.add();
    const gone = world.add();
    const { clock } = world.network;
    clock.run(BEGUN_MS);
    if (how === "decline") gone.engine.decline(new Error("Ctrl-C"));
    else gone.leave();
    t.true(world.run(59_000));
    t.true(clock.now - steady.doneAt < 1000, `${clock.now - steady.doneAt} ms later`);
    assertWhole(t, [steady], world.content);
    t.deepEqual(
      world.report?.receivers.map((line) => [line.outcome, line.why]),
      [
        ["complete", undefined],
        ["partial", why],
      ],
    );
  });

test("all receivers are interrupted: who does not come back within a minute is partial", async (t) => {
  const world = await castWorld({ ...SETUP, cast: { minReceivers: 2 } });
  const receivers = [world.add(), world.add()];
  const { clock } = world.network;
  clock.run(BEGUN_MS);
  for (const { engine } of receivers) engine.decline(new Error("Ctrl-C"));
  t.false(clock.run(BEGUN_MS + 20_000, () => world.isOver));
  for (const { absence } of world.sender.receivers())
    t.is(Math.round(absence?.leftSeconds ?? 0), 40);
  t.true(world.run(41_000));
  t.deepEqual(
    world.report?.receivers.map(({ outcome }) => outcome),
    ["partial", "partial"],
  );
});

test("who is silent is told with the time that is left, and is lost in the report of a sender that ends it", async (t) => {
  const world = await castWorld({ ...SETUP, cast: { minReceivers: 2 } });
  world.add();
  const gone = world.add();
  const { clock } = world.network;
  clock.run(BEGUN_MS);
  gone.unplug(1e9);
  clock.run(BEGUN_MS + 20_000);
  const [steady, silent] = world.sender.receivers();
  t.is(steady?.absence, undefined);
  t.is(Math.round(silent?.absence?.seconds ?? 0), 20);
  t.is(Math.round(silent?.absence?.leftSeconds ?? 0), 40);
  world.sender.stop();
  t.deepEqual(
    world.report?.receivers.map(({ outcome }) => outcome),
    ["complete", "lost"],
  );
  t.true(world.sender.receivers().every(({ absence }) => absence === undefined));
});

for (const sleeper of ["sender", "receiver"] as const)
  test(`a ${sleeper} that slept blames nobody for having been silent`, async (t) => {
    const world = await castWorld(SETUP);
    const receiver = world.add();
    const { clock } = world.network;
    clock.run(BEGUN_MS);
    const until = clock.now + 55_000;
    // Timers are first after a sleep; what came meanwhile is read then.
    receiver.up.heldUntil = until + 1;
    receiver.down.heldUntil = until + 1;
    const hub = sleeper === "sender" ? world.hub : receiver.hub;
    hub.sleep(until);
    clock.run(until);
    t.true(world.run(5000));
    assertWhole(t, [receiver], world.content);
  });
