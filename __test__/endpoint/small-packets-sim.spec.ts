/** A network that takes small packets only, such as a tunnel of an MTU below 1,248 bytes, in virtual time. */
import test from "ava";
import { Clock } from "../sim/clock.ts";
import { Internet } from "../sim/internet.ts";
import { Node, type NodeOptions } from "../sim/node.ts";
import { Random } from "../sim/random.ts";
import { loadBackend } from "../support/backends.ts";

const { primitives } = await loadBackend("fallback");
const SEEDS = process.env.MP2P_SOAK === "1" ? 300 : 8;
const ALICE = "192.0.2.1:1000";
const BOB = "192.0.2.2:2000";
const LAN: NodeOptions = { ports: [{ interfaceName: "eth0", segment: "lan" }] };
/** UDP payload at an MTU of 1000. */
const LARGEST_BYTES = 972;

test("where packets of full size are lost by any way, the session stays at the address that answers", (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const internet = new Internet(new Clock(), new Random(seed), { delayMs: 1 });
    const { clock, random, groups } = internet;
    const alice = new Node(internet, primitives, ALICE, random.bytes(32), LAN);
    const bob = new Node(internet, primitives, BOB, random.bytes(32), LAN);
    const dialled = alice.dial(bob);
    clock.run(1000);
    if (dialled.record === undefined) return t.fail(`seed ${seed}: no session`);
    internet.options = { delayMs: 1, largestBytes: LARGEST_BYTES };
    groups.options = { delayMs: 0.5, largestBytes: LARGEST_BYTES };
    const before = groups.seen.length;
    alice.send(dialled.record, random.bytes(50_000));
    clock.run(clock.now + 60_000);
    t.deepEqual([dialled.record.address, bob.opened[0]?.address], [BOB, ALICE], `seed ${seed}`);
    t.is(groups.seen.length, before, `seed ${seed}: packets went to groups`);
  }
});
