/**
 * Packet numbers where the kernel refuses calls for now (EAGAIN), their segmentation (EIO, EINVAL) or
 * their size (EMSGSIZE). Runs on backends whose sockets can be made to fail;
 * the fallback asks for room before it seals, which `__test__/backend/outbound.spec.ts` proves.
 */
import { constants } from "node:os";
import test, { type ExecutionContext } from "ava";
import type { DatagramSocket } from "../../src/backend/port.ts";
import { toHex } from "../../src/base/bytes.ts";
import { keysOf, type Load, type Opened, open, patterned, planOf, Wire } from "./harness.ts";
import { packetsOfPlan } from "./packets.ts";

interface Faulty extends DatagramSocket {
  injectSendFault(errno: number, everyNth: number): void;
}

const KEYS = keysOf(1);
const PACKET_BYTES = 1_000;
const CHUNK = PACKET_BYTES - 42;
const DATA = patterned(200 * CHUNK + 100);
/** Fewer than a small receive buffer holds, so that the bare socket misses nothing. */
const BURST_BYTES = 24 * CHUNK;

const FAULTS: readonly (readonly [name: keyof typeof constants.errno, everyNth: number])[] = [
  ["EAGAIN", 1],
  ["EAGAIN", 2],
  ["EAGAIN", 5],
  ["EIO", 2],
  ["EINVAL", 2],
  ["EMSGSIZE", 3],
];

export function fullSocketConformance(name: string, load: Load): void {
  for (const [errno, everyNth] of FAULTS) {
    test(`${name}: ${errno} at every send call of ${everyNth} repeats no packet number and loses no packet`, async (t) => {
      const from = await open(t, load);
      if (!("injectSendFault" in from.socket)) {
        t.pass("this backend has no hook for faults");
        return;
      }
      await sendThroughFaults(t, from, from.socket as Faulty, constants.errno[errno], everyNth);
    });
  }
}

async function sendThroughFaults(
  t: ExecutionContext,
  from: Opened,
  socket: Faulty,
  errno: number,
  everyNth: number,
): Promise<void> {
  const wire = await Wire.bind(t);
  const path = socket.addPath(wire.address);
  socket.installSend(1, KEYS);
  const planned = new Map<number, string>();
  let tooBig = 0;
  // Where every call fails, the ones that flush what was left over must not.
  const isOnlyFault = everyNth === 1;
  if (!isOnlyFault) socket.injectSendFault(errno, everyNth);
  for (let sent = 0; sent < DATA.length; ) {
    const rest = DATA.subarray(sent, sent + BURST_BYTES);
    const plan = planOf([{ kind: "stream", bytes: rest, stream: 1, offset: sent }], PACKET_BYTES);
    const seen = from.recorder.writables;
    if (isOnlyFault) socket.injectSendFault(errno, everyNth);
    const result = { ...socket.sendSealed(1, path, plan) };
    if (isOnlyFault) socket.injectSendFault(0, 0);
    tooBig += result.tooBig;
    const packets = packetsOfPlan(KEYS, plan, result.firstPacket);
    for (let at = 0; at < result.packets; at++) {
      t.false(
        planned.has(result.firstPacket + at),
        `packet number ${result.firstPacket + at} twice`,
      );
      planned.set(result.firstPacket + at, toHex(packets[at] as Uint8Array));
    }
    sent = Math.min(DATA.length, sent + result.packets * CHUNK);
    if (result.packets < packets.length)
      await from.recorder.until(() => from.recorder.writables > seen);
    await wire.until(planned.size - tooBig);
  }
  const arrived = wire.received.map((datagram) => toHex(datagram));
  t.is(new Set(arrived).size, arrived.length, "no packet twice");
  t.true(arrived.every((each) => planned.get(Number.parseInt(each.slice(18, 30), 16)) === each));
  t.is(arrived.length, planned.size - tooBig);
  t.is(tooBig > 0, errno === constants.errno.EMSGSIZE);
}
