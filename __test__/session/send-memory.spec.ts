/** A reader that stops may have thousands of streams: what the other side holds for them has one bound. */
import test from "ava";
import type { LinkOptions } from "../sim/link.ts";
import { Receiver, Sender } from "../sim/transfer.ts";
import { World } from "../sim/world.ts";

const LAN: LinkOptions = { bitsPerSecond: 1e9, delayMs: 1, queueBytes: 1_000_000 };
const KIB = 1024;
const MIB = 1024 * KIB;
const STREAMS = 160;

test("streams that nobody reads hold 64 MiB together and 64 KiB each, and go on once they are read", (t) => {
  const world = new World(1);
  const { client, server } = world.pair(world.link(LAN), world.link(LAN));
  const senders = Array.from(
    { length: STREAMS },
    () => new Sender(client, world.clock, MIB, { unidirectional: true }),
  );
  client.onEvent = (event) => {
    if (event.kind === "writable") senders.find(({ stream }) => stream === event.stream)?.write();
  };
  for (const sender of senders) sender.write();
  client.pump();
  world.clock.run(3000);
  const taken = senders.reduce((sum, { written }) => sum + written, 0);
  const { streamBytesAcked } = client.engine.stats();
  const held = taken - streamBytesAcked;
  t.true(held <= 64 * MIB + STREAMS * 64 * KIB, `${held} bytes are held`);
  t.true(held >= 32 * MIB, "and the bound is used");
  t.true(
    senders.every(({ written }) => written >= 64 * KIB),
    "nobody is shut out by the others",
  );

  const receiver = new Receiver(server);
  server.onEvent = (event) => event.kind === "readable" && receiver.read(event.stream);
  for (const { stream } of senders) receiver.read(stream);
  server.pump();
  world.clock.run(20_000);
  t.is(receiver.total, STREAMS * MIB);
  t.is(client.engine.stats().streams, 0);
});
