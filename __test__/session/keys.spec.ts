import test from "ava";
import type { LinkOptions } from "../sim/link.ts";
import { Scenario } from "../sim/scenario.ts";
import { LIMITS } from "../sim/world.ts";

const LINK: LinkOptions = { bitsPerSecond: 20e6, delayMs: 10, queueBytes: 250_000 };
const SEEDS = process.env.MP2P_SOAK === "1" ? 200 : 5;

test("both sides rekey at once under loss, again and again, and the streams go on", (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const lossy = { ...LINK, loss: 0.05 };
    const scenario = new Scenario(seed, lossy, lossy);
    scenario.send("client", 3_000_000);
    scenario.send("server", 3_000_000);
    for (let at = 100; at < 2000; at += 300) {
      scenario.world.clock.at(at, () => {
        scenario.pair.rekey("client");
        scenario.pair.rekey("server");
      });
    }
    t.true(scenario.run(60), `seed ${seed}`);
  }
});

test("keys in use are renewed at about two minutes, by the one who initiated last", (t) => {
  const scenario = new Scenario(1, LINK, LINK);
  scenario.send("client", 1000);
  const { client, server } = scenario.pair;
  const forward = server.onEvent;
  server.onEvent = (event) => {
    if (event.kind !== "readable") forward(event);
    else while (server.engine.read(event.stream) !== undefined);
  };
  const stream = client.engine.openStream({}, 0) as number;
  for (let second = 1; second < 400; second++) {
    client.engine.write(stream, new Uint8Array(10), second * 1000);
    client.pump();
    scenario.world.clock.run(second * 1000);
  }
  const rekeys = scenario.log.filter((line) => line.includes("rehandshake"));
  t.deepEqual(rekeys, Array(3).fill("client rehandshake age"));
  t.is(scenario.log.filter((line) => line === "client retired").length, 3, "old keys go");
  t.is(scenario.log.filter((line) => line === "server retired").length, 3);
});

test("an idle session does not rekey; its first send after expiry asks for keys", (t) => {
  const scenario = new Scenario(1, LINK, LINK);
  scenario.send("client", 1000);
  scenario.world.clock.run(300_000);
  t.deepEqual(
    scenario.log.filter((line) => line.includes("rehandshake")),
    [],
  );
  t.true(scenario.log.includes("client retired"), "expired keys are not kept");

  scenario.send("client", 1000);
  t.true(scenario.run(5));
  t.deepEqual(
    scenario.log.filter((line) => line.includes("rehandshake")),
    ["client rehandshake expired"],
  );
});

test("a path gone silent asks for a handshake, within seconds and then less often", (t) => {
  const scenario = new Scenario(1, LINK, LINK);
  scenario.send("client", 1000);
  scenario.world.clock.run(1000);
  scenario.there.down = true;
  scenario.log.length = 0;
  const asked: number[] = [];
  scenario.pair.client.onEvent = (event) =>
    event.kind === "rehandshake" && asked.push(scenario.world.clock.now);
  scenario.send("client", 1000);
  scenario.world.clock.run(121_000);
  t.true((asked[0] as number) < 1700, `${asked[0]}`);
  t.true(asked.length >= 3 && asked.length <= 8, `${asked.length} times`);
});

test("the responder sends nothing before the initiator has shown that it holds the keys", (t) => {
  const scenario = new Scenario(1, LINK, LINK);
  scenario.there.down = true;
  const { client, server } = scenario.pair;
  client.onEvent = () => {};
  server.engine.openStream({}, 0);
  server.engine.write(1, new Uint8Array(100), 0);
  server.pump();
  scenario.world.clock.run(2000);
  t.is(server.engine.stats().packetsSent, 0);
  scenario.there.down = false;
  scenario.world.clock.run(6000);
  t.true(server.engine.stats().packetsSent > 0);
});

test("keep-alive holds a session with open streams, and idle time ends one without contact", (t) => {
  const local = { ...LIMITS, idleSeconds: 30 };
  const scenario = new Scenario(1, LINK, LINK, { config: { local, keepAliveMs: 10_000 } });
  const { client } = scenario.pair;
  client.engine.openStream({}, 0);
  client.pump();
  scenario.world.clock.run(100_000);
  t.false(scenario.log.some((line) => line.includes("closed")));

  scenario.there.down = true;
  scenario.back.down = true;
  const seen: string[] = [];
  const { server } = scenario.pair;
  client.onEvent = (event) =>
    seen.push(`client ${event.kind === "closed" ? event.by : event.kind}`);
  server.onEvent = (event) =>
    seen.push(`server ${event.kind === "closed" ? event.by : event.kind}`);
  scenario.world.clock.run(140_000);
  t.true(seen.includes("client idle"));
  t.true(seen.includes("server idle"));
  t.true(seen.includes("client retired"));
});

test("CLOSE reaches the peer through loss, and nothing is left after draining", (t) => {
  const scenario = new Scenario(3, { ...LINK, loss: 0.4 }, { ...LINK, loss: 0.4 });
  scenario.send("client", 100_000);
  scenario.world.clock.run(500);
  scenario.pair.client.engine.close(300, "done\u0007", 500);
  scenario.pair.client.pump();
  scenario.world.clock.run(30_000);
  t.true(scenario.log.includes("client closed local 300"));
  t.true(scenario.log.includes("server closed peer 300"));
  t.is(scenario.log.filter((line) => line.endsWith("retired")).length, 2);
});
