import test from "ava";
import { CLOSE_CODE } from "../../src/session/close-codes.ts";
import { ackOf, bytes, OWN_ONE_WAY, PEER_ONE_WAY, PEER_STREAM, Victim } from "./victim.ts";

const OFFENCES: Record<
  string,
  { readonly code: number; readonly commit: (victim: Victim) => void }
> = {
  "bytes that are no frame": {
    code: CLOSE_CODE.FRAME,
    commit: (victim) => victim.raw(Uint8Array.of(0x04, 1, 2)),
  },
  "a frame of an unknown even type": {
    code: CLOSE_CODE.UNKNOWN_FRAME,
    commit: (victim) => victim.raw(Uint8Array.of(0x42, 0, 0)),
  },
  "data beyond the stream's credit": {
    code: CLOSE_CODE.CREDIT,
    commit: (victim) => victim.hear((writer) => writer.stream(PEER_STREAM, 990, bytes(11), false)),
  },
  "data beyond the connection's credit": {
    code: CLOSE_CODE.CREDIT,
    commit: (victim) => {
      victim.hear((writer) => writer.stream(PEER_STREAM, 999, bytes(1), false));
      victim.hear((writer) => writer.stream(PEER_ONE_WAY, 500, bytes(1), false));
    },
  },
  "a reset beyond the stream's credit": {
    code: CLOSE_CODE.CREDIT,
    commit: (victim) => victim.hear((writer) => writer.reset(PEER_STREAM, 1, 2 ** 40)),
  },
  "more streams than granted": {
    code: CLOSE_CODE.STREAM_LIMIT,
    commit: (victim) =>
      victim.hear((writer) => writer.stream(4 * 4 + PEER_STREAM, 0, bytes(1), false)),
  },
  "the largest stream id there is": {
    code: CLOSE_CODE.STREAM_LIMIT,
    commit: (victim) => victim.hear((writer) => writer.stream(0xffff_fffd, 0, bytes(1), false)),
  },
  "data on a stream that only we may send on": {
    code: CLOSE_CODE.STREAM_STATE,
    commit: (victim) => {
      victim.engine.openStream({ unidirectional: true }, 1);
      victim.hear((writer) => writer.stream(OWN_ONE_WAY, 0, bytes(1), false));
    },
  },
  "data on a stream of ours that was never opened": {
    code: CLOSE_CODE.STREAM_STATE,
    commit: (victim) => victim.hear((writer) => writer.stream(0, 0, bytes(1), false)),
  },
  "credit for a stream that only the peer sends on": {
    code: CLOSE_CODE.STREAM_STATE,
    commit: (victim) => victim.hear((writer) => writer.streamCredit(PEER_ONE_WAY, 5)),
  },
  "two ends of one stream": {
    code: CLOSE_CODE.FINAL_SIZE,
    commit: (victim) => {
      victim.hear((writer) => writer.stream(PEER_STREAM, 0, bytes(5), true));
      victim.hear((writer) => writer.stream(PEER_STREAM, 5, bytes(1), true));
    },
  },
  "an end before bytes already sent": {
    code: CLOSE_CODE.FINAL_SIZE,
    commit: (victim) => {
      victim.hear((writer) => writer.stream(PEER_STREAM, 100, bytes(5), false));
      victim.hear((writer) => writer.stream(PEER_STREAM, 0, bytes(5), true));
    },
  },
  "a reset of another size than the end": {
    code: CLOSE_CODE.FINAL_SIZE,
    commit: (victim) => {
      victim.hear((writer) => writer.stream(PEER_STREAM, 0, bytes(5), true));
      victim.hear((writer) => writer.reset(PEER_STREAM, 1, 4));
    },
  },
  "an ACK of a packet never sent": {
    code: CLOSE_CODE.ACK,
    commit: (victim) => victim.hear(ackOf([0, victim.sent + 1])),
  },
  "an ACK of the highest packet number there is": {
    code: CLOSE_CODE.ACK,
    commit: (victim) => victim.hear(ackOf([2 ** 48 - 2, 2 ** 48 - 1])),
  },
};

for (const [name, { code, commit }] of Object.entries(OFFENCES)) {
  test(`${name} ends the session with its own code`, (t) => {
    const victim = new Victim();
    victim.hear((writer) => writer.ping());
    t.is(victim.closed, undefined);
    commit(victim);
    t.like(victim.closed, { by: "protocol", code });
  });
}

test("a peer that acknowledges what it did not receive is found out by a skipped number", (t) => {
  const victim = new Victim();
  const stream = victim.engine.openStream({}, 1) as number;
  for (let round = 0; round < 20_000 && victim.closed === undefined; round++) {
    victim.engine.write(stream, bytes(1), 1);
    victim.pump();
    victim.hear(ackOf([0, victim.sent]));
  }
  t.like(victim.closed, { by: "protocol", code: CLOSE_CODE.ACK });
});

test("frames for streams that are over are ignored", (t) => {
  const victim = new Victim();
  victim.hear((writer) => writer.stream(PEER_ONE_WAY, 0, bytes(3), true));
  victim.engine.read(PEER_ONE_WAY);
  t.true(victim.engine.ended(PEER_ONE_WAY));
  victim.hear((writer) => {
    writer.stream(PEER_ONE_WAY, 0, bytes(3), true);
    writer.reset(PEER_ONE_WAY, 1, 3);
  });
  t.is(victim.closed, undefined);
  t.is(victim.engine.stats().streams, 0);
});
