import test from "ava";
import type { LinkOptions } from "../sim/link.ts";
import { Scenario } from "../sim/scenario.ts";
import { Receiver, Sender } from "../sim/transfer.ts";
import { LIMITS, World } from "../sim/world.ts";

const LAN: LinkOptions = { bitsPerSecond: 1e9, delayMs: 1, queueBytes: 1_000_000 };
const MIB = 1024 * 1024;

test("a reader that does not read stops the sender, and memory stays within the credit", (t) => {
  const world = new World(1);
  const { client, server } = world.pair(world.link(LAN), world.link(LAN));
  const receiver = new Receiver(server);
  const sender = new Sender(client, world.clock, 1e9);
  client.onEvent = (event) => event.kind === "writable" && sender.write();
  sender.write();
  client.pump();
  world.clock.run(3000);
  const { streamBytesReceived } = server.engine.stats();
  t.is(streamBytesReceived, LIMITS.streamCreditBytes);
  t.true(sender.written <= streamBytesReceived + 8 * MIB, "the sender's buffer is bounded");

  const before = sender.written;
  world.clock.run(6000);
  t.is(sender.written, before, "not a byte more while nobody reads");

  // A slow reader: 1 MB/s in lumps of 100 kB. What is read comes again as credit, no more.
  for (let tick = 1; tick <= 20; tick++) {
    receiver.read(sender.stream, 100_000);
    server.pump();
    world.clock.run(6000 + tick * 100);
    const waiting = server.engine.stats().streamBytesReceived - receiver.total;
    t.true(waiting <= LIMITS.streamCreditBytes, `${waiting} bytes wait`);
  }
  t.true(receiver.total >= 2_000_000);
});

test("credit grows where the path can carry more than it allows", (t) => {
  const link: LinkOptions = { bitsPerSecond: 1e9, delayMs: 50, queueBytes: 12_000_000 };
  const scenario = new Scenario(1, link, link);
  scenario.send("client", 300 * MIB);
  t.true(scenario.run(8), "4 MiB a round trip would take seven and a half seconds more");
});

test("the connection's credit holds all streams together", (t) => {
  const world = new World(1);
  const { client, server } = world.pair(world.link(LAN), world.link(LAN));
  const senders = Array.from({ length: 10 }, () => new Sender(client, world.clock, 4 * MIB));
  for (const sender of senders) sender.write();
  client.pump();
  world.clock.run(5000);
  t.is(server.engine.stats().streamBytesReceived, LIMITS.connectionCreditBytes);

  const receiver = new Receiver(server);
  server.onEvent = (event) => event.kind === "readable" && receiver.read(event.stream);
  for (const sender of senders) receiver.read(sender.stream);
  server.pump();
  world.clock.run(10_000);
  t.is(receiver.total, 40 * MIB, "and is given back as they are read");
});

test("a lower priority number goes first, equal ones take turns", (t) => {
  const scenario = new Scenario(1, { ...LAN, bitsPerSecond: 20e6 }, LAN);
  const late = scenario.send("client", 2 * MIB, { priority: 5 });
  const [one, two] = [
    scenario.send("client", MIB, { priority: 1 }),
    scenario.send("client", MIB, { priority: 1 }),
  ];
  const had = (stream: number) => scenario.atServer.got.get(stream) ?? 0;
  scenario.run(0.6);
  t.true(Math.abs(had(one.stream) - had(two.stream)) < 300_000);
  t.true(had(late.stream) < 500_000, "only what was under way already");
  t.true(scenario.run(20));
});

test("streams are granted anew as old ones end", (t) => {
  const scenario = new Scenario(1, LAN, LAN);
  const { client } = scenario.pair;
  let opened = 0;
  const openAll = () => {
    for (; opened < 5000; opened++) {
      const stream = client.engine.openStream({ unidirectional: true }, scenario.world.clock.now);
      if (stream === undefined) return;
      client.engine.write(stream, new Uint8Array(0), scenario.world.clock.now);
      client.engine.finish(stream, scenario.world.clock.now);
    }
  };
  const forward = client.onEvent;
  client.onEvent = (event) => (event.kind === "streams" ? openAll() : forward(event));
  openAll();
  t.is(opened, LIMITS.unidirectionalStreams);
  client.pump();
  scenario.world.clock.run(3000);
  t.is(opened, 5000);
  t.is(client.engine.stats().streams, 0, "and leave nothing behind");
  t.is(scenario.pair.server.engine.stats().streams, 0);
});

test("a reset frees the credit of bytes nobody reads, and both sides hear of it", (t) => {
  const scenario = new Scenario(1, LAN, LAN);
  const { client, server } = scenario.pair;
  const events: string[] = [];
  server.onEvent = (event) => events.push(event.kind);
  const streams = Array.from({ length: 12 }, () => scenario.send("client", 3 * MIB));
  scenario.world.clock.run(1000);
  for (const { stream } of streams) client.engine.reset(stream, 77, scenario.world.clock.now);
  client.pump();
  scenario.world.clock.run(2000);
  t.is(events.filter((kind) => kind === "reset").length, 12);
  t.is(server.engine.stats().streams, 0);
  t.is(client.engine.stats().streams, 0);
  const receiver = new Receiver(server);
  server.onEvent = (event) => event.kind === "readable" && receiver.read(event.stream);
  scenario.send("client", 10 * MIB);
  scenario.world.clock.run(4000);
  t.is(receiver.total, 10 * MIB);
});

test("a reader that stops makes the writer reset", (t) => {
  const scenario = new Scenario(1, LAN, LAN);
  const { client, server } = scenario.pair;
  const heard: unknown[] = [];
  server.onEvent = () => {};
  client.onEvent = (event) => event.kind === "stopped" && heard.push([event.stream, event.code]);
  const { stream } = scenario.send("client", 50 * MIB);
  scenario.world.clock.run(500);
  server.engine.stop(stream, 5, scenario.world.clock.now);
  server.pump();
  scenario.world.clock.run(1000);
  t.deepEqual(heard, [[stream, 5]]);
  t.is(server.engine.stats().streams, 0);
  t.is(client.engine.stats().streams, 0);
});
