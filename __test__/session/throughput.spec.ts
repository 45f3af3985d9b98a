import test from "ava";
import type { LinkOptions } from "../sim/link.ts";
import { Receiver, Sender } from "../sim/transfer.ts";
import { World } from "../sim/world.ts";

/** Share of the wire's bits that were stream bytes at the receiver. */
function goodput(
  seed: number,
  there: LinkOptions,
  back: LinkOptions,
  seconds: number,
  congestion: "rate" | "cubic",
): number {
  const world = new World(seed);
  const { client, server } = world.pair(world.link(there), world.link(back), {
    config: { congestion },
  });
  const receiver = new Receiver(server);
  const sender = new Sender(client, world.clock, Infinity);
  client.onEvent = (event) => event.kind === "writable" && sender.write();
  server.onEvent = (event) => event.kind === "readable" && receiver.read(event.stream);
  sender.write();
  client.pump();
  world.clock.run(seconds * 1000);
  return (receiver.total * 8) / seconds / (there.bitsPerSecond as number);
}

const WAN: LinkOptions = { bitsPerSecond: 100e6, delayMs: 25, queueBytes: 250_000 };

for (const congestion of ["rate", "cubic"] as const) {
  test(`${congestion} fills 100 Mbit/s at 50 ms without loss`, (t) => {
    const share = goodput(1, WAN, WAN, 10, congestion);
    t.log(share.toFixed(3));
    t.true(share >= 0.9, `${share}`);
  });
}
