/** What a peer can say in few bytes, again and again, and what that may cost. */
import test from "ava";
import { CLOSE_CODE } from "../../src/session/close-codes.ts";
import { ackOf, bytes, generationOf, PEER_ONE_WAY, PEER_STREAM, Victim } from "./victim.ts";

test("as many gaps as a bad network makes are borne, more end the session", (t) => {
  const victim = new Victim(100_000);
  let at = 1;
  const dot = () => {
    for (let frames = 0; frames < 50; frames++, at += 2) {
      const offset = at;
      victim.hear((writer) => writer.stream(PEER_STREAM, offset, bytes(1), false));
    }
  };
  while (at < 20_000) dot();
  t.is(victim.closed, undefined);
  while (at < 40_000) dot();
  t.like(victim.closed, { by: "protocol", code: CLOSE_CODE.GAPS });
});

test("gaps that were filled, stopped or broken off make room for others, those of all streams together", (t) => {
  const victim = new Victim(100_000);
  const riddle = (stream: number, gaps: number) => {
    for (let at = 1; at < 2 * gaps; ) {
      victim.hear((writer) => {
        for (let frames = 0; frames < 80 && at < 2 * gaps; frames++, at += 2)
          writer.stream(stream, at, bytes(1), false);
      });
    }
  };
  riddle(PEER_STREAM, 16_000);
  victim.engine.stop(PEER_STREAM, 1, 1);
  riddle(PEER_STREAM + 4, 16_000);
  victim.hear((writer) => writer.reset(PEER_STREAM + 4, 1, 40_000));
  riddle(PEER_STREAM + 8, 16_000);
  for (let at = 0; at < 32_000; at += 1000) {
    const offset = at;
    victim.hear((writer) => writer.stream(PEER_STREAM + 8, offset, bytes(1000), false));
  }
  for (let read = 0; read < 32_000; ) {
    const chunk = victim.engine.read(PEER_STREAM + 8);
    if (chunk === undefined) return t.fail(`${read} bytes`);
    read += chunk.length;
  }
  riddle(PEER_STREAM + 12, 16_000);
  t.is(victim.closed, undefined);
  riddle(PEER_ONE_WAY, 400);
  t.like(victim.closed, { by: "protocol", code: CLOSE_CODE.GAPS });
});

test("credit of bytes that nobody read comes back, and never grows", (t) => {
  const victim = new Victim();
  victim.engine.openStream({}, 1);
  victim.engine.write(0, bytes(1), 1);
  victim.pump();
  const { sent } = victim;
  for (let ms = 0; ms < 1000; ms++) victim.hear((writer) => writer.ping());
  victim.hear(ackOf([sent - 1, sent]));
  t.true(victim.engine.stats().rttMs > 900);

  for (let index = 0; index < 50; index++)
    victim.hear((writer) => writer.reset(4 * index + PEER_ONE_WAY, 1, 1000));
  t.is(victim.closed, undefined);
  victim.hear((writer) => writer.stream(PEER_STREAM, 999, bytes(1), false));
  t.is(victim.closed, undefined);
  victim.hear((writer) => writer.stream(PEER_STREAM + 4, 500, bytes(1), false));
  t.like(victim.closed, { by: "protocol", code: CLOSE_CODE.CREDIT });
});

test("a peer that shakes hands without end holds 16 slots, and the keys in use stay", (t) => {
  const victim = new Victim();
  victim.hear((writer) => writer.ping());
  for (let slot = 2; slot <= 100; slot++) {
    victim.engine.addGeneration(generationOf(slot, false), 1);
    if (slot % 3 === 0) victim.pump();
  }
  victim.pump();
  const retired = victim.events.flatMap((event) =>
    event.kind === "retired" ? [event.generation.id] : [],
  );
  t.deepEqual(
    retired,
    Array.from({ length: 84 }, (_, index) => index + 2),
  );
  victim.hear((writer) => writer.ping());
  t.is(victim.engine.stats().packetsReceived, 2);
});

test("of many challenges from one address, one is answered", (t) => {
  const victim = new Victim();
  victim.hear((writer) => {
    for (let count = 0; count < 100; count++) writer.pathChallenge(bytes(8));
  }, 2);
  t.is(victim.paths.filter((path) => path === 2).length, 1);
});

test("of datagrams without end, in packets that all come at once, a few thousand are told", (t) => {
  const victim = new Victim();
  const packet = new Uint8Array(1440);
  for (let at = 0; at < packet.length; at += 3) packet[at] = 0x16;
  for (let index = 0; index < 200; index++) victim.engine.receiveFrames(1, index, packet, 1, 0, 1);
  victim.pump();
  const told = victim.events.filter(({ kind }) => kind === "datagram").length;
  t.is(victim.engine.stats().packetsReceived, 200);
  t.true(told >= 1024 && told <= 4096, `${told} of ${(200 * packet.length) / 3}`);
  t.is(victim.closed, undefined);
});
