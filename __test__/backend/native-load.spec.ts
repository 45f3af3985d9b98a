/** Light and heavy loads, which different threads read: none of it may show. */
import test from "ava";
import type { Backend } from "../../src/backend/port.ts";
import { frames, keysOf, open, patterned, planOf } from "../conformance/harness.ts";
import { loadBackend, nativeMissing } from "../support/backends.ts";

const missing = await nativeMissing();
const native = missing === undefined ? test : test.skip;
const load = (): Promise<Backend> => loadBackend("native");
const CHUNK_BYTES = 1_472 - 42;
/** More than the event loop reads by itself, less than any receive buffer. */
const BURST = patterned(300 * CHUNK_BYTES);

native("light load, heavy load, light load again: every packet comes once, in order", async (t) => {
  const [near, far] = [await open(t, load), await open(t, load)];
  near.socket.installSend(1, keysOf(1));
  far.socket.installReceive(1, keysOf(1));
  const path = near.socket.addPath(far.address);
  let sent = 0;
  const send = async (plan: ReturnType<typeof planOf>): Promise<void> => {
    sent += near.socket.sendSealed(1, path, plan).packets;
    await far.recorder.untilPackets(sent);
  };
  for (let round = 0; round < 20; round++) {
    for (let light = 0; light < 20; light++) await send(planOf([frames(light)]));
    await send(planOf([{ kind: "stream", bytes: BURST, offset: round * BURST.length }], 1_472));
  }
  let next = 0;
  for (const row of far.recorder.rows) {
    t.is(row.packet, next);
    next += row.count;
  }
  t.is(next, sent);
  t.is(far.socket.counters().packetsReceived, sent);
});

native("a packet's time is when it came in, however late a busy event loop reads it", async (t) => {
  const [near, far] = [await open(t, load), await open(t, load)];
  near.socket.installSend(1, keysOf(1));
  far.socket.installReceive(1, keysOf(1));
  const path = near.socket.addPath(far.address);
  const before = far.socket.now();
  near.socket.sendSealed(1, path, planOf([frames(1)]));
  const after = far.socket.now();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  await far.recorder.untilPackets(1);
  const time = far.recorder.rows[0]?.time ?? 0;
  // Loopback delivers within the call; the wall clock's stamp is a little less exact than ours.
  t.true(time >= before - 1 && time <= after + 1, `${before} <= ${time} <= ${after}`);
});

native("a blocked event loop delays what comes in, and loses none of it", async (t) => {
  const [near, far] = [await open(t, load), await open(t, load)];
  near.socket.installSend(1, keysOf(1));
  far.socket.installReceive(1, keysOf(1));
  const path = near.socket.addPath(far.address);
  let sent = 0;
  // Within the smallest receive buffer that a kernel grants by default.
  for (let burst = 0; burst < 4; burst++) {
    const bytes = BURST.subarray(0, 20 * CHUNK_BYTES);
    const offset = burst * bytes.length;
    sent += near.socket.sendSealed(
      1,
      path,
      planOf([{ kind: "stream", bytes, offset }], 1_472),
    ).packets;
  }
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  await far.recorder.untilPackets(sent);
  const streamed = far.recorder.rows.reduce((sum, row) => sum + row.bytes.length, 0);
  t.is(streamed, 80 * CHUNK_BYTES);
});
