/** What a program is told of a session as time passes, in virtual time. */
import test from "ava";
import { Session } from "../../src/endpoint/session.ts";
import type { SessionHost } from "../../src/endpoint/session-host.ts";
import { Clock } from "../sim/clock.ts";
import { Internet } from "../sim/internet.ts";
import { Node } from "../sim/node.ts";
import { Random } from "../sim/random.ts";
import { loadBackend } from "../support/backends.ts";

const { primitives } = await loadBackend("fallback");
const ALICE = "192.0.2.1:1000";
const BOB = "198.51.100.2:2000";

/** Alice's session with Bob, up and quiet, and what she is told of it from now on. */
function established() {
  const internet = new Internet(new Clock(), new Random(1), { delayMs: 20 });
  const { clock, random } = internet;
  const alice = new Node(internet, primitives, ALICE, random.bytes(32));
  const bob = new Node(internet, primitives, BOB, random.bytes(32));
  const dialled = alice.dial(bob);
  clock.run(5000);
  const { record } = dialled;
  if (record === undefined) throw new Error("no session");
  const host: SessionHost = {
    services: [""],
    backendName: "fallback",
    blake3: (data) => data,
    now: () => clock.now,
    changed: (changed) => {
      alice.core.touch(changed);
      alice.run();
    },
    internalService: () => undefined,
    ended: () => undefined,
  };
  const session = Session.make(record, host, true);
  const told: string[] = [];
  const since = clock.now;
  const tell = (text: string) => told.push(`${Math.floor((clock.now - since) / 1000)} s: ${text}`);
  session.on("silent", (ms) => tell(`silent ${Math.floor(ms / 1000)}`));
  session.on("heard", () => tell("heard"));
  session.on("close", ({ by }) => tell(`closed ${by}`));
  const pass = (seconds: number) => clock.run(clock.now + seconds * 1000);
  return { internet, alice, bob, session, told, pass };
}

test("a peer that is killed is told of after 5 s without the answer it owes, ever more seldom, until the end", async (t) => {
  const { bob, session, told, pass } = established();
  await session.openStream();
  pass(1);
  bob.kill();
  session.send(Uint8Array.of(1));
  pass(1000);
  const silences = [5, 10, 20, 40, 80, 160, 320].map((s) => `${s + 1} s: silent ${s}`);
  t.deepEqual(told, [...silences, "600 s: closed idle"]);
});

test("a peer that is killed while nothing is said is told of when the next keep-alive stays without answer", async (t) => {
  const { bob, session, told, pass } = established();
  await session.openStream();
  pass(1);
  bob.kill();
  pass(22);
  t.is(told.length, 1);
  t.regex(told[0] ?? "", /silent 5$/);
});

test("nobody is silent who owes no answer", (t) => {
  const { bob, told, pass } = established();
  bob.kill();
  pass(300);
  t.deepEqual(told, []);
});

test("a silence ends with the first packet, and the next one counts anew", (t) => {
  const { internet, session, told, pass } = established();
  internet.reaches = () => false;
  session.send(Uint8Array.of(1));
  pass(12);
  internet.reaches = () => true;
  pass(8);
  internet.reaches = () => false;
  session.send(Uint8Array.of(2));
  pass(7);
  t.deepEqual(
    told.map((each) => each.replace(/^\d+ s: /, "")),
    ["silent 5", "silent 10", "heard", "silent 5"],
  );
});

test("whoever was held up first reads what came meanwhile", (t) => {
  const { internet, alice, session, told } = established();
  const { clock } = internet;
  session.send(Uint8Array.of(1));
  // Nothing of Alice runs for a minute: neither her timers nor what reads her socket.
  clock.now += 60_000;
  alice.run();
  clock.run(clock.now + 1000);
  t.deepEqual(told, []);
});

for (const size of ["small", "full"] as const) {
  test(`who sends ${size} datagrams faster than the path takes them is told when there is room, and none is lost`, (t) => {
    const { internet, bob, session } = established();
    const bytes = new Uint8Array(size === "small" ? 1 : session.stats().datagramBytes);
    let left = 5000;
    let drains = 0;
    const send = () => {
      while (left > 0 && session.send(bytes)) left--;
    };
    session.on("drain", () => {
      drains++;
      t.true(session.send(bytes), "there is room");
      left--;
      send();
    });
    send();
    t.true(left > 0, "the queue is bounded");
    internet.clock.run(internet.clock.now + 60_000);
    t.is(left, 0);
    t.is(bob.events.filter(({ event }) => event.kind === "datagram").length, 5000);
    t.true(drains < 20, `${drains}: told once for many datagrams`);
  });
}
