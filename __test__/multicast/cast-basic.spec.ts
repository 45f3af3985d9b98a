import test from "ava";
import { equalBytes } from "../../src/base/bytes.ts";
import { CastNetwork, Wire } from "../sim/cast-hub.ts";
import { CastWorld } from "../sim/cast-scenario.ts";
import { Clock } from "../sim/clock.ts";
import { Random } from "../sim/random.ts";
import { loadBackend } from "../support/backends.ts";

for (const loss of [0, 0.02]) {
  test(`three receivers get every byte at ${100 * loss} % loss`, async (t) => {
    const { primitives } = await loadBackend("fallback");
    const random = new Random(1);
    const network = new CastNetwork(new Clock(), random, primitives, new Wire(100e6, 1e6));
    const content = random.bytes(1_000_003);
    const world = new CastWorld(network, content, { cast: { minReceivers: 3 } });
    for (let count = 0; count < 3; count++) world.add({ loss });
    const ok = world.run(20_000);
    t.log(
      network.clock.now,
      network.groupBytes / content.length,
      world.feedbackBytes / network.groupBytes,
      world.sender.progress(),
      world.error,
    );
    t.true(ok);
    for (const receiver of world.receivers) {
      t.true(equalBytes(receiver.written, content));
      t.is(receiver.error, undefined);
    }
    t.deepEqual(
      world.report?.receivers.map(({ outcome }) => outcome),
      ["complete", "complete", "complete"],
    );
  });
}
