import test from "ava";
import { SimMember } from "../../sim/group-member.ts";
import { GroupNet } from "../../sim/group-net.ts";
import { loadBackend } from "../../support/backends.ts";

const { primitives } = await loadBackend("fallback");
const MESSAGES = 20_000;
/** At 1.25 MB/s, where a sender begins, packets of 300 bytes would take 5 s; its rate grows soon. */
const SECONDS_MOST = 2;

test("short messages of a reliable group go at the sender's rate, not a window of them each 200 ms", (t) => {
  const net = new GroupNet(primitives, { seed: 1 });
  const [alice, bob] = [1, 2].map(() => new SimMember(net, { reliable: true })) as [
    SimMember,
    SimMember,
  ];
  alice.meet(bob);
  net.clock.run(1000);
  const { now } = net.clock;
  let sent = 0;
  while (bob.delivered.length < MESSAGES && net.clock.now - now < 10_000) {
    while (sent < MESSAGES && alice.engine.send(new Uint8Array(100))) sent++;
    net.clock.run(net.clock.now + 5);
  }
  t.is(bob.delivered.length, MESSAGES);
  t.true(bob.delivered.every(({ seq, lost }, index) => seq === index && lost === 0));
  const seconds = (net.clock.now - now) / 1000;
  t.true(seconds <= SECONDS_MOST, `${seconds} s`);
});
