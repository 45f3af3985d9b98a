/** Members that come and go, answer late or finish nothing do not hold up what the others say to each other. */
import test from "ava";
import { PIECE_BYTES, pieceCount } from "../../../src/multicast/group/partial-message.ts";
import { Receiver, WINDOW_BYTES } from "../../../src/multicast/group/receiver.ts";
import { primitives, trio } from "../../sim/group-insider.ts";
import { gather, newMember, type SimMember } from "../../sim/group-member.ts";
import { GroupNet } from "../../sim/group-net.ts";

/** Of the record that confirms a key. */
const KEY_HELD = 5;

/** Says something again and again, for so long. @returns how often it was taken */
function speak(net: GroupNet, alice: SimMember, everyMs: number, forMs: number): number {
  let said = 0;
  const until = net.clock.now + forMs;
  const say = (): void => {
    said += Number(alice.say("x".repeat(200)));
    if (net.clock.now + everyMs < until) net.clock.after(everyMs, say);
  };
  say();
  net.clock.run(until);
  return said;
}

test("members that come and go and confirm no key hold up messages for a second at a time", (t) => {
  const net = new GroupNet(primitives, { seed: 31 });
  const [alice, bob] = gather(net, 2, { reliable: true }) as [SimMember, SimMember];
  const from = net.clock.now;
  const come = (): void => {
    const mallory = newMember(net, { reliable: true });
    mallory.withholds = KEY_HELD;
    mallory.meet(alice);
    net.clock.after(900, () => mallory.leave());
    if (net.clock.now < from + 8000) net.clock.after(300, come);
  };
  come();
  speak(net, alice, 20, 8000);
  let heardAt = from;
  for (const { at } of [...bob.delivered, { at: from + 8000 }]) {
    t.true(at - heardAt < 1100, `nothing for ${at - heardAt} ms`);
    heardAt = at;
  }
});

test("a member whose answers take long keeps nobody from asking for what it missed in time", (t) => {
  const { net, alice, bob, mallory } = trio(32, { reliable: true });
  for (const { engine } of [alice, bob]) {
    const late = engine.members.find(({ channel }) => channel.peer === mallory.party);
    Object.defineProperty(late?.channel, "rttMs", { get: () => 20_000 });
  }
  bob.hub.loss = 0.05;
  const said = speak(net, alice, 2, 6000);
  net.clock.run(net.clock.now + 2000);
  t.is(said, 3000);
  t.is(bob.delivered.length, said);
});

test("a sender that finishes no message fills its own window of memory, not that of the others", (t) => {
  const budget = { bytes: 0, most: 4 * WINDOW_BYTES };
  const receiver = () =>
    new Receiver({ reliable: true, start: 0, budget, deliver: () => undefined });
  const [greedy, other] = [receiver(), receiver()];
  const data = new Uint8Array(PIECE_BYTES);
  const count = pieceCount(65_536);
  for (let seq = 0; seq < 1024; seq++) {
    for (let index = 1; index < count; index++) {
      const piece = { seq, index, count, data };
      if (greedy.judge(piece) === "wanted") greedy.take(piece);
    }
  }
  t.true(budget.bytes <= 1.01 * WINDOW_BYTES, `${budget.bytes}`);
  t.is(other.judge({ seq: 5, index: 0, count: 1, data }), "wanted");
  greedy.close();
  t.is(budget.bytes, 0);
});
