/** What one socket promises of addresses, paths, plans, counting and closing. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import test from "ava";
import { type PacketKeys, type SendPlan, SPAN, SUITE_AES_256_GCM } from "../../src/backend/port.ts";
import { frames, keysOf, type Load, open, patterned, planOf, type Span, Wire } from "./harness.ts";
import { packet } from "./packets.ts";

const KEYS = keysOf(1);
const BULK: Span = { kind: "stream", bytes: patterned(1_000), stream: 1, offset: 0 };
const SYMBOLS: Span = { kind: "symbols", bytes: patterned(2_320), stream: 1, offset: 0 };
const HAS_IPV6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
);

export function socketConformance(name: string, load: Load): void {
  addresses(name, load);
  paths(name, load);
  plans(name, load);
  slots(name, load);
  ending(name, load);
}

function addresses(name: string, load: Load): void {
  test(`${name}: bound addresses have their ports, in the order asked for`, async (t) => {
    const bind = HAS_IPV6
      ? ["127.0.0.1:0", "[::1]:0", "127.0.0.1:0"]
      : ["127.0.0.1:0", "127.0.0.1:0"];
    const { socket } = await open(t, load, bind);
    t.is(socket.addresses.length, bind.length);
    for (const [index, address] of socket.addresses.entries()) {
      const host = (bind[index] as string).slice(0, -1);
      t.true(address.startsWith(host), address);
      t.true(Number(address.slice(host.length)) > 0, address);
    }
    t.true(socket.buffers.receiveBytes > 0 && socket.buffers.sendBytes > 0);
  });

  test(`${name}: a port in use and an address of elsewhere are refused by their codes`, async (t) => {
    const { address } = await open(t, load);
    const backend = await load();
    const taken = backend.openSocket({ bind: ["127.0.0.1:0", address] });
    const error = await t.throwsAsync(taken, { code: "MP2P_PORT_IN_USE" });
    t.true((error as { hint?: string }).hint !== undefined);
    const elsewhere = backend.openSocket({ bind: ["192.0.2.1:0"] });
    await t.throwsAsync(elsewhere, { code: "MP2P_NO_NETWORK" });
    await t.throwsAsync(backend.openSocket({ bind: ["localhost:1"] }), { instanceOf: RangeError });
    await t.throwsAsync(backend.openSocket({ bind: [] }), { instanceOf: RangeError });
  });

  if (!HAS_IPV6) test.skip(`${name}: IPv6 (this machine has no ::1)`, () => {});
  else {
    test(`${name}: one socket speaks IPv4 and IPv6, each from the address of its family`, async (t) => {
      const both = await open(t, load, ["127.0.0.1:0", "[::1]:0"]);
      const [four, six] = [await open(t, load), await open(t, load, ["[::1]:0"])];
      both.socket.installSend(1, KEYS);
      for (const [index, peer] of [four, six].entries()) {
        peer.socket.installReceive(1, KEYS);
        both.socket.sendSealed(1, both.socket.addPath(peer.address), planOf([frames()]));
        await peer.recorder.untilPackets(1);
        t.is(peer.recorder.rows[0]?.stranger, both.socket.addresses[index]);
      }
      const path = both.socket.addPath("[2001:db8::1]:5000");
      t.is(both.socket.addPath("[2001:0DB8:0:0::0:1]:5000"), path, "one address, two spellings");
    });
  }
}

function paths(name: string, load: Load): void {
  test(`${name}: one address is one path`, async (t) => {
    const { socket } = await open(t, load);
    const path = socket.addPath("127.0.0.1:5000");
    t.true(path >= 1);
    t.is(socket.addPath("127.0.0.1:5000"), path);
    t.not(socket.addPath("127.0.0.1:5001"), path);
  });

  test(`${name}: a name, and an address that no bound one reaches, are no paths`, async (t) => {
    const { socket } = await open(t, load);
    for (const remote of ["example.com:5000", "127.0.0.1", "[2001:db8::1]:5000"]) {
      t.throws(() => socket.addPath(remote), { instanceOf: RangeError }, remote);
      t.throws(
        () => socket.sendPlain(remote, new Uint8Array(9)),
        { instanceOf: RangeError },
        remote,
      );
    }
  });

  test(`${name}: a socket holds 4,096 paths, and again after one was removed`, async (t) => {
    const { socket } = await open(t, load);
    const first = socket.addPath("127.0.0.1:1");
    for (let port = 2; port <= 4_096; port++) socket.addPath(`127.0.0.1:${port}`);
    t.throws(() => socket.addPath("127.0.0.1:5000"), { code: "MP2P_LIMIT" });
    t.is(socket.addPath("127.0.0.1:1"), first);
    socket.removePath(first);
    t.notThrows(() => socket.addPath("127.0.0.1:5000"));
  });
}

/** Each is a good plan with one thing wrong. */
function badPlans(): Readonly<Record<string, SendPlan>> {
  const good = planOf([BULK]);
  const withNumber = (column: number, value: number): SendPlan => {
    const spans = good.spans.slice();
    spans[column] = value;
    return { ...good, spans };
  };
  const many = Array.from({ length: 65 }, () => frames());
  const huge: Span = { ...BULK, bytes: new Uint8Array(1_048_577) };
  return {
    "packets of 79 bytes": { ...good, packetBytes: 79 },
    "packets of 8,973 bytes": { ...good, packetBytes: 8_973 },
    "packets of half a byte": { ...good, packetBytes: 1_200.5 },
    "a skip backwards": { ...good, skip: -1 },
    "a skip of half a number": { ...good, skip: 0.5 },
    "a skip of 33 bits": { ...good, skip: 2 ** 32 },
    "less spans than none": { ...good, spanCount: -1 },
    "more than 64 spans": planOf(many),
    "more spans than numbers": { ...good, spanCount: 2 },
    "more than 1 MiB": planOf([huge]),
    "an unknown kind": withNumber(SPAN.kind, 3),
    "a source that is not there": withNumber(SPAN.source, 1),
    "bytes behind the source's end": withNumber(SPAN.length, 1_002),
    "a start behind the source's end": withNumber(SPAN.at, 1_007),
    "a negative length": withNumber(SPAN.length, -1),
    "half a byte": withNumber(SPAN.length, 0.5),
    "a stream id of 33 bits": withNumber(SPAN.stream, 2 ** 32),
    "an offset of 49 bits": withNumber(SPAN.offset, 2 ** 48),
    "no symbol at all": planOf([{ ...SYMBOLS, bytes: new Uint8Array(0) }]),
    "a symbol and a half": planOf([{ ...SYMBOLS, bytes: new Uint8Array(1_740) }]),
    "symbols past their block": planOf([{ ...SYMBOLS, offset: 9 * 65_536 + 65_535 }]),
    "an object of 17 bits": planOf([{ ...SYMBOLS, stream: 65_536 }]),
    "a block of 33 bits": planOf([{ ...SYMBOLS, offset: 2 ** 48 }]),
    "frames that fill more than a packet": planOf([
      { kind: "frames", bytes: new Uint8Array(1_170) },
    ]),
  };
}

function plans(name: string, load: Load): void {
  test(`${name}: a plan out of its limits throws RangeError before anything is sent`, async (t) => {
    const from = await open(t, load);
    const to = await open(t, load);
    from.socket.installSend(1, KEYS);
    to.socket.installReceive(1, KEYS);
    const path = from.socket.addPath(to.address);
    for (const [label, plan] of Object.entries(badPlans())) {
      t.throws(() => from.socket.sendSealed(1, path, plan), { instanceOf: RangeError }, label);
    }
    t.is(from.socket.sendSealed(1, path, planOf([frames()])).firstPacket, 0);
    await to.recorder.untilPackets(1);
    t.is(to.socket.counters().packetsReceived, 1);
  });

  test(`${name}: the largest plan is taken whole`, async (t) => {
    const { socket } = await open(t, load);
    const wire = await Wire.bind(t);
    socket.installSend(1, KEYS);
    const whole: Span = { ...BULK, bytes: new Uint8Array(1_048_576) };
    const result = socket.sendSealed(1, socket.addPath(wire.address), planOf([whole], 8_972));
    t.is(result.packets, Math.ceil(1_048_576 / 8_930));
  });

  test(`${name}: the largest frames fill a packet exactly`, async (t) => {
    const { socket } = await open(t, load);
    const wire = await Wire.bind(t);
    socket.installSend(1, KEYS);
    const full: Span = { kind: "frames", bytes: new Uint8Array(1_169).fill(1) };
    socket.sendSealed(1, socket.addPath(wire.address), planOf([full]));
    const [datagram] = await wire.until(1);
    t.is(datagram?.length, 1_200);
  });
}

function slots(name: string, load: Load): void {
  test(`${name}: unknown slots and paths, and keys of the wrong size, throw RangeError`, async (t) => {
    const { socket } = await open(t, load);
    const path = socket.addPath("127.0.0.1:9");
    const plan = planOf([frames()]);
    const install = (change: Partial<PacketKeys>) => () =>
      socket.installSend(2, { ...KEYS, ...change });
    socket.installSend(1, KEYS);
    const { aes } = (await load()).capabilities;
    const calls: Record<string, () => unknown> = {
      "no such slot": () => socket.sendSealed(2, path, plan),
      "no such path": () => socket.sendSealed(1, path + 1, plan),
      "slot 0": () => socket.installSend(0, KEYS),
      "slot 65,536": () => socket.installReceive(65_536, KEYS),
      "slot 2^32 + 1": () => socket.installReceive(2 ** 32 + 1, KEYS),
      "slot 1.5": () => socket.sendSealed(1.5, path, plan),
      "half a lane": install({ lane: 0.5 }),
      "a lane of 33 bits": install({ lane: 2 ** 32 }),
      "short key": install({ key: new Uint8Array(31) }),
      "short iv": install({ iv: new Uint8Array(11) }),
      "short connection id": install({ cid: new Uint8Array(7) }),
      "unknown suite": install({ suite: 3 as 1 }),
      ...(aes ? {} : { "AES where it is not offered": install({ suite: SUITE_AES_256_GCM }) }),
    };
    for (const [label, call] of Object.entries(calls)) {
      t.throws(call, { instanceOf: RangeError }, label);
    }
  });

  test(`${name}: two receiving slots cannot share a connection id`, async (t) => {
    const { socket } = await open(t, load);
    socket.installReceive(1, KEYS);
    t.throws(() => socket.installReceive(2, KEYS), { instanceOf: RangeError });
    t.notThrows(() => socket.installReceive(1, KEYS), "a slot may be installed anew");
    socket.removeReceive(1);
    t.notThrows(() => socket.installReceive(2, KEYS));
  });

  test(`${name}: every datagram received is delivered or in exactly one column`, async (t) => {
    const { socket, address, recorder } = await open(t, load);
    const wire = await Wire.bind(t);
    socket.installReceive(1, KEYS);
    const good = packet(KEYS, 7, Uint8Array.of(1));
    const hostile = [
      new Uint8Array(1),
      new Uint8Array(1_400).fill(0x56),
      new Uint8Array(30).fill(0x56),
      new Uint8Array(384).fill(0x50),
      new Uint8Array(320).fill(0x51),
      new Uint8Array(68).fill(0x53),
      new Uint8Array(100).fill(0xff),
    ];
    for (const datagram of [...hostile, good, good]) await wire.send(datagram, address);
    await wire.send(packet(KEYS, 8, Uint8Array.of(1)), address);
    await recorder.untilPackets(2);
    const counters = socket.counters();
    t.is(counters.droppedMalformed, 3);
    t.is(counters.droppedUnknown, 3);
    t.is(counters.droppedStrangers, 1);
    t.is(counters.droppedReplayed, 1);
    t.is(counters.packetsReceived, hostile.length + 3);
  });
}

function ending(name: string, load: Load): void {
  test(`${name}: closing twice is closing once, and nothing is delivered or sent after it`, async (t) => {
    const { socket, address, recorder } = await open(t, load);
    const wire = await Wire.bind(t);
    socket.installReceive(1, KEYS);
    socket.installSend(1, KEYS);
    const path = socket.addPath(wire.address);
    await wire.send(packet(KEYS, 1, Uint8Array.of(1)), address);
    const closing = socket.close();
    await Promise.all([closing, socket.close()]);
    t.is(recorder.deliveries, 0);
    t.is(socket.sendSealed(1, path, planOf([frames()])).packets, 0);
    t.false(socket.sendPlain(wire.address, new Uint8Array(10)));
    t.is((await open(t, load, [address])).address, address, "the port is free again");
  });

  test(`${name}: closing between the arrival of a packet and its delivery prevents the delivery`, async (t) => {
    const { socket, address, recorder } = await open(t, load);
    const wire = await Wire.bind(t);
    socket.installReceive(1, KEYS);
    await wire.send(packet(KEYS, 1, Uint8Array.of(1)), address);
    while (socket.counters().packetsReceived === 0) await new Promise(setImmediate);
    const delivered = recorder.deliveries;
    await socket.close();
    await wire.send(new Uint8Array(1), wire.address);
    await wire.until(1);
    t.is(recorder.deliveries, delivered);
  });

  for (const way of ["unref", "close"]) {
    test(`${name}: a process that called ${way} ends by itself`, async (t) => {
      const child = fork(new URL("./ends.js", import.meta.url), [name, way]);
      const [code, signal] = await once(child, "exit");
      t.deepEqual({ code, signal }, { code: 0, signal: null });
    });
  }
}
