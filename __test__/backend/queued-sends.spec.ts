import { fork } from "node:child_process";
import { once } from "node:events";
import test from "ava";
import { toHex } from "../../src/base/bytes.ts";
import { planOf, Wire } from "../conformance/harness.ts";
import { packetsOfPlan } from "../conformance/packets.ts";
import { DATA, KEYS, PACKET_BYTES, type Report } from "./queued-sends-child.ts";

/** Node's own switch for testing: every datagram waits in libuv's queue, as if the kernel were full. */
const ALWAYS_QUEUE = ["--test-udp-no-try-send"];

test("the fallback queues a mebibyte, says no, goes on when there is room, and mixes up no bytes", async (t) => {
  const wire = await Wire.bind(t);
  const file = new URL("./queued-sends-child.js", import.meta.url);
  const child = fork(file, [wire.address], { execArgv: ALWAYS_QUEUE });
  const exited = once(child, "exit");
  const [report] = (await once(child, "message")) as [Report];
  t.deepEqual(await exited, [0, null]);

  t.true(report.refusals > 0);
  t.is(report.writables, report.refusals);
  // Slow machines may lose some here; what arrived must be right, and no kernel's buffer is this small.
  await wire.until(20);
  const expected = packetsOfPlan(
    KEYS,
    planOf([{ kind: "stream", bytes: DATA, stream: 1, offset: 0 }], PACKET_BYTES),
    0,
  ).map(toHex);
  t.is(report.packets, expected.length);
  const numbers = wire.received.map((datagram) => datagram.readUIntBE(9, 6));
  t.is(new Set(numbers).size, numbers.length, "no packet twice");
  for (const [index, number] of numbers.entries()) {
    t.true(toHex(wire.received[index] as Buffer) === expected[number], `packet ${number}`);
  }
});
