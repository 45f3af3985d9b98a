/** Peers that restarted or moved while nobody looked: after a sleep, after a long pause. In virtual time. */
import test from "ava";
import { Clock } from "../sim/clock.ts";
import { Internet } from "../sim/internet.ts";
import { Node } from "../sim/node.ts";
import { Random } from "../sim/random.ts";
import { loadBackend } from "../support/backends.ts";

const { primitives } = await loadBackend("fallback");
const SEEDS = process.env.MP2P_SOAK === "1" ? 300 : 8;
const ALICE = "192.0.2.1:1000";
const BOB = "198.51.100.2:2000";
/** Keys may no longer be used. */
const PAUSE_MS = 300_000;
const SOON_MS = 10_000;

function world(seed: number) {
  const internet = new Internet(new Clock(), new Random(seed), { delayMs: 20, loss: 0.05 });
  const { clock, random } = internet;
  const alice = new Node(internet, primitives, ALICE, random.bytes(32));
  const bobSeed = random.bytes(32);
  const bob = new Node(internet, primitives, BOB, bobSeed);
  alice.dial(bob, { ik: true });
  clock.run(5000, () => alice.opened.length > 0 && bob.opened.length > 0);
  const restart = () => {
    bob.kill();
    return new Node(internet, primitives, BOB, bobSeed);
  };
  return { internet, clock, random, alice, bob, restart };
}

for (const what of ["while we slept", "during a long pause"]) {
  test(`a peer that restarted ${what} is noticed as soon as we speak`, (t) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { clock, random, alice, restart } = world(seed);
      const [session] = alice.opened;
      if (session === undefined) return t.fail(`seed ${seed}: no session`);
      const slept = what === "while we slept";
      if (!slept) clock.run(clock.now + PAUSE_MS);
      restart();
      if (slept) alice.core.rehandshakeAll(clock.now);
      alice.send(session, random.bytes(100));
      clock.run(clock.now + SOON_MS);
      t.like(alice.closes(session)[0], { kind: "closed", by: "restart" }, `seed ${seed}`);
    }
  });
}

test("an endpoint that closes while it asks for a peer does not ask anew", (t) => {
  const { clock, random, alice, restart } = world(1);
  const [session] = alice.opened;
  if (session === undefined) return t.fail("no session");
  clock.run(clock.now + PAUSE_MS);
  restart();
  alice.send(session, random.bytes(100));
  let asked = 0;
  const { sendPlain } = alice.socket;
  alice.socket.sendPlain = (...packet) => {
    asked++;
    return sendPlain.apply(alice.socket, packet);
  };
  alice.core.close(clock.now);
  session.engine.close(0, "", clock.now);
  alice.core.touch(session);
  alice.run();
  clock.run(clock.now + SOON_MS);
  t.is(asked, 0);
});

test("a peer that is there after a long pause, or after we slept, keeps its session", (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { clock, random, alice, bob } = world(seed);
    const [session] = alice.opened;
    const [here] = bob.opened;
    if (session === undefined || here === undefined) return t.fail(`seed ${seed}: no session`);
    clock.run(clock.now + PAUSE_MS);
    if (seed % 2 === 0) alice.core.rehandshakeAll(clock.now);
    alice.send(session, random.bytes(100));
    clock.run(clock.now + SOON_MS);
    t.is(bob.received(here)[0]?.length, 100, `seed ${seed}`);
    t.deepEqual([alice.opened.length, bob.opened.length], [1, 1], `seed ${seed}`);
  }
});
