import test from "ava";
import type { LinkOptions, SimPacket } from "../sim/link.ts";
import { Scenario } from "../sim/scenario.ts";

const LINK: LinkOptions = { bitsPerSecond: 20e6, delayMs: 10, queueBytes: 250_000 };
const MIB = 1024 * 1024;

/** The client's packets come from another address from now on; the server may answer it there. */
function roam(scenario: Scenario, options: LinkOptions = LINK): void {
  const { client, server } = scenario.pair;
  const [up, down] = [scenario.world.link(options), scenario.world.link(options)];
  client.routes.set(1, (packet) => up.send(packet, (each) => server.arrive(each, 2)));
  server.routes.set(2, (packet) => down.send(packet, (each) => client.arrive(each, 1)));
  scenario.back.down = true;
}

test("a peer that moved is followed once it answered a challenge, and streams go on both ways", (t) => {
  const scenario = new Scenario(1, LINK, LINK);
  scenario.send("client", 3 * MIB);
  scenario.send("server", 3 * MIB);
  scenario.world.clock.at(500, () => roam(scenario, { ...LINK, delayMs: 40 }));
  t.true(scenario.run(30));
  t.true(scenario.log.includes("server path"));
  t.is(scenario.pair.server.engine.stats().path, 2);
});

test("whoever only reads notices soon that its NAT lets nothing in any more", (t) => {
  const scenario = new Scenario(1, LINK, LINK);
  scenario.send("server", 3 * MIB);
  const { server } = scenario.pair;
  const told = server.onEvent;
  // Its handshakes do not get in either.
  server.onEvent = (event) => event.kind === "rehandshake" || told(event);
  scenario.world.clock.at(250, () => (scenario.back.down = true));
  scenario.world.clock.at(350, () => roam(scenario));
  t.true(scenario.run(5), "long before a keep-alive is due");
  t.is(server.engine.stats().path, 2);
});

test("peers that leave a group for different addresses of each other agree on one, and stay", (t) => {
  const [GROUP, FIRST, SECOND] = [1, 2, 3];
  const group = { packetBytes: 1200, trainPackets: 10, capBytesPerMs: 1000 };
  const unicast = { loopback: false, ipv6: false };
  const properties = (path: number) => (path === GROUP ? { ...unicast, group } : unicast);
  for (let seed = 1; seed <= 20; seed++) {
    const config = { properties };
    const options = { config, properties: properties(GROUP) };
    const scenario = new Scenario(seed, LINK, LINK, options);
    const { client, server } = scenario.pair;
    const { world } = scenario;
    for (const path of [FIRST, SECOND]) {
      const delayMs = 1 + world.random.below(5);
      const [up, down] = [world.link({ ...LINK, delayMs }), world.link({ ...LINK, delayMs })];
      client.routes.set(path, (packet) => up.send(packet, (each) => server.arrive(each, path)));
      server.routes.set(path, (packet) => down.send(packet, (each) => client.arrive(each, path)));
    }
    scenario.send("client", MIB);
    scenario.send("server", MIB);
    world.clock.at(20, () => {
      client.engine.tryPaths([FIRST], world.clock.now);
      server.engine.tryPaths([SECOND], world.clock.now);
      client.pump();
      server.pump();
    });
    t.true(scenario.run(30), `seed ${seed}`);
    const moves = scenario.log.filter((line) => line.endsWith(" path"));
    t.true(moves.length <= 3, `seed ${seed}: ${moves.join(", ")}`);
    t.is(client.engine.stats().path, server.engine.stats().path, `seed ${seed}`);
  }
});

test("a thief who moves packets gets a challenge, and less than three times what it sent", (t) => {
  const scenario = new Scenario(1, LINK, LINK);
  const { client, server } = scenario.pair;
  let fromThief = 0;
  let toThief = 0;
  const honest = client.routes.get(1) as (packet: SimPacket) => void;
  client.routes.set(1, (packet) => {
    if (scenario.world.clock.now < 500 || scenario.world.clock.now > 520) return honest(packet);
    fromThief += packet.size;
    server.arrive(packet, 9);
  });
  server.routes.set(9, (packet) => {
    toThief += packet.size;
  });
  scenario.send("client", 3 * MIB);
  scenario.send("server", 3 * MIB);
  t.true(scenario.run(30));
  t.false(scenario.log.includes("server path"));
  t.is(server.engine.stats().path, 1);
  t.true(fromThief > 0 && toThief > 0);
  t.true(toThief <= 3 * fromThief, `${toThief} for ${fromThief}`);
});

test("packet-size discovery finds what the path carries", (t) => {
  for (const mtuBytes of [1200, 1280, 1400, 1452, 1472]) {
    const link = { ...LINK, mtuBytes };
    const scenario = new Scenario(1, link, link);
    scenario.send("client", 5 * MIB);
    t.true(scenario.run(30), `${mtuBytes}`);
    const { packetBytes } = scenario.pair.client.engine.stats();
    t.true(packetBytes <= mtuBytes && packetBytes > mtuBytes - 21, `${packetBytes} of ${mtuBytes}`);
  }
});

test("a path that shrinks under a transfer with loss is noticed, and every byte comes once", (t) => {
  const link = { ...LINK, mtuBytes: 1452, loss: 0.01 };
  const scenario = new Scenario(2, link, link);
  scenario.send("client", 8 * MIB);
  scenario.world.clock.at(1000, () => {
    scenario.there.options = { ...link, mtuBytes: 1200 };
  });
  t.true(scenario.run(20));
  t.is(scenario.pair.client.engine.stats().packetBytes, 1200);
});

test("an event loop that was blocked delays, and loses nothing", (t) => {
  const scenario = new Scenario(1, LINK, LINK);
  scenario.send("client", 4 * MIB);
  for (const at of [300, 900, 2000]) {
    scenario.world.clock.at(at, () => {
      scenario.pair.server.blockedUntil = at + 250;
      scenario.pair.client.blockedUntil = at + 400;
    });
  }
  t.true(scenario.run(10));
  const { retransmittedBytes } = scenario.pair.client.engine.stats();
  t.true(retransmittedBytes < 400_000, `${retransmittedBytes}`);
});

test("a lost tail is repeated by a probe within about three round trips", (t) => {
  const scenario = new Scenario(1, LINK, LINK);
  scenario.send("client", 200_000);
  t.true(scenario.run(5));
  scenario.there.down = true;
  const start = scenario.world.clock.now;
  scenario.send("client", 1000);
  scenario.world.clock.at(start + 5, () => {
    scenario.there.down = false;
  });
  t.true(scenario.run(5));
  t.true(scenario.world.clock.now - start < 150, `${scenario.world.clock.now - start} ms`);
});
