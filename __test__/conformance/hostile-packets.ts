/** Sealed packets that were changed, repeated, reordered or meant for nobody. */
import test from "ava";
import { frames, keysOf, patterned, planOf, Wire } from "./harness.ts";
import { packet } from "./packets.ts";
import { captured, type Mix, openPair, RECEIVE_SLOT, SEND_SLOT } from "./pair.ts";
import { flipped } from "./primitives.ts";

export function hostilePacketConformance(name: string, mix: Mix): void {
  test(`${name}: a packet with one changed byte is refused, and leaves no mark`, async (t) => {
    const { from, to } = await openPair(t, mix);
    const [sealed] = (await captured(t, from, planOf([frames(1, 2, 3, 4, 5, 6, 7, 8)]), 1)) as [
      Buffer,
    ];
    const wire = await Wire.bind(t);
    for (let at = 0; at < sealed.length; at++) {
      await wire.send(flipped(sealed, at * 8 + (at % 8)), to.address);
    }
    await wire.send(sealed, to.address);
    await to.recorder.untilPackets(1);
    const counters = to.socket.counters();
    t.is(to.recorder.packets, 1);
    t.is(counters.droppedMalformed, 1, "the type byte");
    t.is(counters.droppedUnknown, 8, "the connection id");
    t.is(counters.droppedForged, sealed.length - 9, "packet number, ciphertext and tag");
    t.is(counters.packetsReceived, sealed.length + 1);
  });

  test(`${name}: a replayed packet is refused`, async (t) => {
    const { keys, from, to } = await openPair(t, mix);
    const [sealed] = (await captured(t, from, planOf([frames()]), 1)) as [Buffer];
    const wire = await Wire.bind(t);
    await wire.send(sealed, to.address);
    await wire.send(sealed, to.address);
    await wire.send(packet(keys, 500, Uint8Array.of(1)), to.address);
    await wire.send(packet(keys, 70_000, Uint8Array.of(1)), to.address);
    await wire.send(packet(keys, 70_000 - 65_472, Uint8Array.of(1)), to.address);
    await wire.send(packet(keys, 70_000 - 65_471, Uint8Array.of(1)), to.address);
    await to.recorder.untilPackets(4);
    t.deepEqual(
      to.recorder.rows.map((row) => row.packet),
      [0, 500, 70_000, 4_529],
    );
    t.is(to.socket.counters().droppedReplayed, 2);
  });

  test(`${name}: lost and reordered packets split a run and lose no byte`, async (t) => {
    const { from, to } = await openPair(t, mix);
    const data = patterned(10 * 158);
    const plan = planOf([{ kind: "stream", bytes: data, stream: 2, offset: 0, fin: true }], 200);
    const sealed = await captured(t, from, plan, 10);
    const wire = await Wire.bind(t);
    for (const index of [0, 1, 3, 4, 2, 7, 8, 9, 5]) {
      await wire.send(sealed[index] as Buffer, to.address);
    }
    await to.recorder.untilPackets(9);
    for (const row of to.recorder.rows) {
      t.is(row.offset, row.packet * 158);
      t.deepEqual(row.bytes, data.slice(row.offset, row.offset + row.count * 158));
      t.is(row.fin === 1, row.packet + row.count === 10);
    }
  });

  test(`${name}: a packet for an unknown or removed connection id is dropped and counted`, async (t) => {
    const { from, to, path } = await openPair(t, mix);
    from.socket.installSend(5, keysOf(2));
    from.socket.sendSealed(5, path, planOf([frames(1)]));
    from.socket.sendSealed(SEND_SLOT, path, planOf([frames(2)]));
    await to.recorder.untilPackets(1);
    t.deepEqual(to.recorder.rows[0]?.bytes, Uint8Array.of(1, 2));
    t.is(to.socket.counters().droppedUnknown, 1);

    to.socket.removeReceive(RECEIVE_SLOT);
    to.socket.installReceive(RECEIVE_SLOT + 1, keysOf(2));
    from.socket.sendSealed(SEND_SLOT, path, planOf([frames(3)]));
    from.socket.sendSealed(5, path, planOf([frames(4)]));
    await to.recorder.untilPackets(2);
    t.is(to.recorder.rows[1]?.slot, RECEIVE_SLOT + 1);
    t.is(to.socket.counters().droppedUnknown, 2);
  });
}
