import test from "ava";
import { Outbound } from "../../src/backend/fallback/outbound.ts";
import type { Remote } from "../../src/backend/fallback/path-table.ts";
import { loadPrimitives } from "../../src/backend/fallback/primitives.ts";
import type { Sent, UdpPort } from "../../src/backend/fallback/udp-port.ts";
import { toHex } from "../../src/base/bytes.ts";
import { keysOf, patterned, planOf } from "../conformance/harness.ts";
import { packetsOfPlan } from "../conformance/packets.ts";

const KEYS = keysOf(1);
const REMOTE: Remote = { text: "127.0.0.1:9", host: "127.0.0.1", port: 9, family: 4 };

/** Takes `room` packets and is full then. */
class NarrowPort {
  room = 0;
  readonly packets: string[] = [];
  readonly callbacks: Sent[] = [];

  get isFull(): boolean {
    return this.packets.length >= this.room;
  }

  send(packet: Uint8Array, _remote: Remote, sent: Sent): void {
    this.packets.push(toHex(packet));
    this.callbacks.push(sent);
  }
}

async function open() {
  const { heap } = await loadPrimitives();
  const outbound = new Outbound(heap, () => {});
  outbound.install(1, KEYS);
  const port = new NarrowPort();
  return { outbound, port, route: { port: port as unknown as UdpPort, remote: REMOTE } };
}

test("a port that fills up at any packet neither repeats nor loses a number", async (t) => {
  const { outbound, port, route } = await open();
  const data = patterned(40 * 158 + 7);
  const expected: string[] = [];
  for (let sent = 0, turn = 0; sent < data.length; turn++) {
    const rest = data.subarray(sent);
    const plan = planOf([{ kind: "stream", bytes: rest, stream: 1, offset: sent }], 200);
    port.room += turn % 4;
    const { firstPacket, packets } = outbound.send(1, route, plan);
    t.is(packets, Math.min(turn % 4, Math.ceil(rest.length / 158)));
    expected.push(...packetsOfPlan(KEYS, plan, firstPacket).slice(0, packets).map(toHex));
    sent += packets * 158;
  }
  t.deepEqual(port.packets, expected);
  t.is(new Set(port.packets.map((packet) => packet.slice(0, 30))).size, port.packets.length);
});

test("a span longer than what is loaded at once is cut at the same places", async (t) => {
  const { outbound, port, route } = await open();
  port.room = 1_000;
  const plan = planOf([
    { kind: "stream", bytes: patterned(200_003), stream: 1, offset: 9, fin: true },
  ]);
  const { firstPacket } = outbound.send(1, route, plan);
  t.deepEqual(port.packets, packetsOfPlan(KEYS, plan, firstPacket).map(toHex));
});

test("a packet refused for its size is told of once, in the next result of its slot", async (t) => {
  const { outbound, port, route } = await open();
  port.room = 10;
  const plan = planOf([{ kind: "frames", bytes: Uint8Array.of(1) }]);
  t.is(outbound.send(1, route, plan).tooBig, 0);
  port.callbacks[0]?.(Object.assign(new Error("too long"), { code: "EMSGSIZE" }), 0);
  outbound.install(2, keysOf(2));
  t.is(outbound.send(2, route, plan).tooBig, 0);
  t.is(outbound.send(1, route, plan).tooBig, 1);
  t.is(outbound.send(1, route, plan).tooBig, 0);
});

test("a slot whose numbers are used up sends nothing more", async (t) => {
  const { outbound, port, route } = await open();
  port.room = 10;
  const one = { kind: "frames", bytes: Uint8Array.of(1) } as const;
  for (let skipped = 0; skipped < 2 ** 16 - 1; skipped++) {
    outbound.send(1, route, planOf([], 1_200, 2 ** 32 - 1));
  }
  t.is(outbound.send(1, route, planOf([one], 1_200, 65_534)).firstPacket, 2 ** 48 - 2 ** 32 - 1);
  t.throws(() => outbound.send(1, route, planOf([one, one], 1_200, 2 ** 32 - 1)), {
    instanceOf: RangeError,
  });
});
