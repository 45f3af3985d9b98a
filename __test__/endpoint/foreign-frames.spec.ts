/** Frames of casts belong into the slots of casts, streams into those of sessions: docs/PROTOCOL.md, "Frames". */
import test from "ava";
import { type ReceiveBatch, ROW, ROW_STREAM, ROW_SYMBOLS } from "../../src/backend/port.ts";
import { EndpointHub } from "../../src/endpoint/group-hub.ts";
import { PathTable } from "../../src/endpoint/path-table.ts";
import { SlotNumbers } from "../../src/endpoint/slot-numbers.ts";
import { Identity } from "../../src/noise/identity.ts";
import { Clock } from "../sim/clock.ts";
import { Internet, MemorySocket } from "../sim/internet.ts";
import { Node } from "../sim/node.ts";
import { Random } from "../sim/random.ts";
import { loadBackend } from "../support/backends.ts";

const { primitives } = await loadBackend("fallback");
const ALICE = "192.0.2.1:1000";
const BOB = "192.0.2.2:2000";
const UNKNOWN_FRAME = 2;

/** What a backend makes of one bulk packet. */
function batchOf(kind: number, slot: number, packet: number, payload: Uint8Array): ReceiveBatch {
  const rows = new Float64Array(ROW.STRIDE);
  rows[ROW.kind] = kind;
  rows[ROW.slot] = slot;
  rows[ROW.packet] = packet;
  rows[ROW.count] = 1;
  rows[ROW.stream] = 1;
  rows[ROW.length] = payload.length;
  rows[ROW.path] = -1;
  return { slab: payload, rows, rowCount: 1, strangers: [BOB] };
}

test("symbols, which belong to casts, end a session as frames that it does not know", (t) => {
  // A payload that would read as frames: a CLOSE, an ACK, padding.
  for (const payload of [[0x0e, 0, 0, 0], [0x02, 1, 2, 3, 4, 5], [0], [0x14]]) {
    const internet = new Internet(new Clock(), new Random(1), { delayMs: 1 });
    const { clock, random } = internet;
    const alice = new Node(internet, primitives, ALICE, random.bytes(32));
    const bob = new Node(internet, primitives, BOB, random.bytes(32));
    const dialled = alice.dial(bob);
    clock.run(1000);
    const { record } = dialled;
    const slot = record?.generations[0]?.receiveSlot;
    if (record === undefined || slot === undefined) return t.fail("no session");
    alice.core.receive(batchOf(ROW_SYMBOLS, slot, 5000, Uint8Array.from(payload)), clock.now);
    clock.run(clock.now + 1000);
    t.like(
      alice.closes(record)[0],
      { kind: "closed", code: UNKNOWN_FRAME, by: "protocol" },
      `${payload}`,
    );
  }
});

test("streams in the slot of a cast or group reach nobody", (t) => {
  const internet = new Internet(new Clock(), new Random(1), { delayMs: 1 });
  const { random } = internet;
  const socket = new MemorySocket(internet, primitives, ALICE, {});
  const hub = new EndpointHub({
    socket,
    primitives,
    identity: new Identity(primitives, random.bytes(32)),
    interfaces: () => [],
    flush: () => undefined,
    unixMs: () => 0,
  });
  hub.share({ paths: new PathTable(socket, undefined), slots: new SlotNumbers() });
  const [key, iv, cid] = [random.bytes(32), random.bytes(12), random.bytes(8)];
  const heard: number[] = [];
  hub.listen({ suite: 1, key, iv, lane: 0, cid }, (row) => heard.push(row.kind));
  for (const kind of [ROW_STREAM, ROW_SYMBOLS]) {
    for (let slot = 1; slot < 4; slot++) hub.take(batchOf(kind, slot, 0, Uint8Array.of(1)), 0);
  }
  t.deepEqual(heard, [ROW_SYMBOLS]);
});
