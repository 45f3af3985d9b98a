/** The stranger filter over real sockets: who reaches JavaScript, who is asked for a cookie. */
import test, { type ExecutionContext } from "ava";
import { ROW_PLAIN, type StrangerFilter } from "../../src/backend/port.ts";
import { ascii } from "../../src/base/bytes.ts";
import { keysOf, type Load, type Opened, open, Wire } from "./harness.ts";
import { answerTo, init, openCookie, packet } from "./packets.ts";

const ME = { mac1Key: new Uint8Array(32).fill(1), cookieKey: new Uint8Array(32).fill(2) };
const ALSO_ME = { mac1Key: new Uint8Array(32).fill(3), cookieKey: new Uint8Array(32).fill(4) };
const NOBODY = new Uint8Array(32).fill(9);
const OPEN: StrangerFilter = {
  addressees: [ME, ALSO_ME],
  initsPerSecond: 1_000,
  initsPerSourcePerSecond: 1_000,
  initsPerSourceBurst: 1_000,
  announcementsPerSecond: 200,
};
/** Rates of zero never refill, so these tests need no clock. */
const STINGY: StrangerFilter = { ...OPEN, initsPerSourcePerSecond: 0, initsPerSourceBurst: 2 };

const SENTINEL = keysOf(3);

interface Gate extends Opened {
  readonly wire: Wire;
}

async function openGate(t: ExecutionContext, load: Load, filter: StrangerFilter): Promise<Gate> {
  const opened = await open(t, load);
  opened.socket.setFilter(filter);
  opened.socket.installReceive(1, SENTINEL);
  return { ...opened, wire: await Wire.bind(t) };
}

/** Sends and waits until all of it was sorted: a sealed packet sent last has arrived. */
async function sortAll(
  gate: Gate,
  datagrams: readonly Uint8Array[],
  wire = gate.wire,
): Promise<void> {
  for (const datagram of datagrams) await wire.send(datagram, gate.address);
  const number = gate.socket.counters().packetsReceived + 1_000;
  await wire.send(packet(SENTINEL, number, Uint8Array.of(1)), gate.address);
  await gate.recorder.until(() => gate.recorder.rows.some((row) => row.packet === number));
}

/** Plain and sealed datagrams may come in different batches, so both counts are awaited. */
async function passed(gate: Gate, datagrams: number): Promise<readonly Uint8Array[]> {
  const plain = () => gate.recorder.rows.filter((row) => row.kind === ROW_PLAIN);
  await gate.recorder.until(() => plain().length >= datagrams);
  return plain().map((row) => row.bytes);
}

export function filterConformance(name: string, load: Load): void {
  admission(name, load);
  cookies(name, load);
}

function admission(name: string, load: Load): void {
  test(`${name}: an INIT to any of our addressees passes as it was`, async (t) => {
    const gate = await openGate(t, load, OPEN);
    const inits = [init(ME), init({ ...ALSO_ME, scid: ascii("abcdefgh") })];
    await sortAll(gate, inits);
    t.deepEqual(await passed(gate, 2), inits);
    t.is(gate.recorder.rows.find((row) => row.kind === ROW_PLAIN)?.stranger, gate.wire.address);
  });

  test(`${name}: an INIT to somebody else is dropped without an answer`, async (t) => {
    const gate = await openGate(t, load, OPEN);
    await sortAll(gate, [init({ mac1Key: NOBODY }), new Uint8Array(384).fill(0x50), init(ME)]);
    await passed(gate, 1);
    t.is(gate.socket.counters().droppedStrangers, 2);
    t.is(gate.socket.counters().packetsSent, 0);
  });

  test(`${name}: no INIT passes before there is a filter, nor under an empty one`, async (t) => {
    const gate = await openGate(t, load, { ...OPEN, addressees: [] });
    const bare = await open(t, load);
    bare.socket.installReceive(1, SENTINEL);
    await sortAll(gate, [init(ME)]);
    await sortAll({ ...bare, wire: gate.wire }, [init(ME)]);
    t.is(gate.socket.counters().droppedStrangers, 1);
    t.is(bare.socket.counters().droppedStrangers, 1);
  });

  test(`${name}: an INIT of version 1 has 384 bytes, one of another version may have more`, async (t) => {
    const gate = await openGate(t, load, OPEN);
    const later = init({ ...ME, version: 2, length: 1_200 });
    await sortAll(gate, [init({ ...ME, length: 383 }), init({ ...ME, length: 385 }), later]);
    t.deepEqual(await passed(gate, 1), [later]);
    t.is(gate.socket.counters().droppedMalformed, 2);
  });

  test(`${name}: answers pass only for a connection id that is expected, in their exact size`, async (t) => {
    const gate = await openGate(t, load, OPEN);
    const cid = ascii("expected");
    gate.socket.expect(cid);
    const good = [answerTo(cid, 0x51, 320), answerTo(cid, 0x52, 256), answerTo(cid, 0x53, 68)];
    good.push(answerTo(cid, 0x54, 12), answerTo(cid, 0x54, 384));
    const strange = good.map((answer) =>
      answerTo(ascii("somebody"), answer[0] as number, answer.length),
    );
    const wrong = [
      [0x51, 319],
      [0x51, 321],
      [0x52, 257],
      [0x53, 67],
      [0x54, 11],
      [0x54, 385],
      [0x55, 320],
    ];
    await sortAll(gate, [
      ...strange,
      ...wrong.map(([type, length]) => answerTo(cid, type as number, length as number)),
      ...good,
    ]);
    t.deepEqual(await passed(gate, 5), good);
    t.is(gate.socket.counters().droppedUnknown, strange.length);
    t.is(gate.socket.counters().droppedMalformed, wrong.length);

    gate.socket.unexpect(cid);
    await sortAll(gate, good);
    t.is(gate.socket.counters().droppedUnknown, strange.length + good.length);
  });
}

function cookies(name: string, load: Load): void {
  test(`${name}: a source over its rate is asked for a cookie, with fewer bytes than it sent`, async (t) => {
    const gate = await openGate(t, load, STINGY);
    const question = init({ ...ME, scid: ascii("question") });
    await sortAll(gate, [question, question, question]);
    await passed(gate, 2);
    const [answer] = await gate.wire.until(1);
    t.is(answer?.length, 68);
    t.is(answer?.subarray(0, 4).toString("hex"), "53010000");
    t.is(answer?.subarray(4, 12).toString(), "question");
    t.is(gate.socket.counters().cookiesSent, 1);
    t.is(gate.socket.counters().packetsReceived, 4);
  });

  test(`${name}: an INIT with the cookie of its source passes over every rate`, async (t) => {
    const gate = await openGate(t, load, STINGY);
    const cookie = await cookieOf(gate, ALSO_ME);
    const proved = init({ ...ME, cookie });
    await sortAll(
      gate,
      Array.from({ length: 10 }, () => proved),
    );
    t.is((await passed(gate, 12)).length, 12);
    t.is(gate.socket.counters().cookiesSent, 1);
  });

  test(`${name}: a cookie is worth nothing at another port, nor with a bit changed`, async (t) => {
    const gate = await openGate(t, load, STINGY);
    const cookie = await cookieOf(gate, ME);
    const elsewhere = await Wire.bind(t);
    const proved = init({ ...ME, cookie });
    await sortAll(gate, [proved], elsewhere);
    const forged = proved.slice();
    forged[383] = (forged[383] as number) ^ 1;
    await sortAll(gate, [forged]);
    t.is((await passed(gate, 2)).length, 2, "only the burst that came before");
    t.is(gate.socket.counters().cookiesSent, 3);
    t.is((await elsewhere.until(1))[0]?.length, 68);
  });

  test(`${name}: when the common rate is used up, a new source is asked for a cookie too`, async (t) => {
    const gate = await openGate(t, load, { ...OPEN, initsPerSecond: 0 });
    await sortAll(gate, [init(ME)]);
    t.is(gate.socket.counters().cookiesSent, 1);
    const cookie = openCookie((await gate.wire.until(1))[0] as Buffer, ME.cookieKey, init(ME));
    await sortAll(gate, [init({ ...ME, cookie })]);
    t.is((await passed(gate, 1)).length, 1);
  });

  test(`${name}: an INIT to somebody else gets no cookie, however many come`, async (t) => {
    const gate = await openGate(t, load, STINGY);
    await sortAll(
      gate,
      Array.from({ length: 20 }, () => init({ mac1Key: NOBODY })),
    );
    t.is(gate.socket.counters().droppedStrangers, 20);
    t.is(gate.socket.counters().cookiesSent, 0);
  });

  const onLinux = process.platform === "linux" ? test : test.skip;
  onLinux(`${name}: one source over its rate costs another nothing`, async (t) => {
    const gate = await openGate(t, load, STINGY);
    await sortAll(
      gate,
      Array.from({ length: 10 }, () => init(ME)),
    );
    const neighbour = await Wire.bind(t, "127.0.0.2");
    await sortAll(gate, [init(ME)], neighbour);
    t.is((await passed(gate, 3)).length, 3);
    t.is(gate.socket.counters().cookiesSent, 8);
  });
}

/** Uses up the burst of the gate's wire and opens the COOKIE that follows. */
async function cookieOf(gate: Gate, addressee: typeof ME): Promise<Uint8Array> {
  const question = init(addressee);
  await sortAll(gate, [question, question, question]);
  const [answer] = await gate.wire.until(1);
  return openCookie(answer as Buffer, addressee.cookieKey, question);
}
