import test from "ava";
import { SUITE_AES_256_GCM } from "../../src/backend/port.ts";
import { RangeSet } from "../../src/base/ranges.ts";
import { CLOSE_CODE } from "../../src/session/close-codes.ts";
import type { Generation, SessionEvent } from "../../src/session/contract.ts";
import { SessionEngine } from "../../src/session/session.ts";
import { FrameWriter } from "../../src/wire/frames-write.ts";
import { Random } from "../sim/random.ts";
import { LIMITS } from "../sim/world.ts";

const OUR_CID = new Uint8Array(8).fill(1);
const PEER_CID = new Uint8Array(8).fill(2);
/** The engine opens even ids, the peer odd ones; bit 1 is unidirectional. */
const PEER_STREAM = 1;
const PEER_ONE_WAY = 3;
const OWN_ONE_WAY = 2;

/** An engine whose peer is the test: it says what no honest peer would. */
class Victim {
  readonly engine: SessionEngine;
  readonly events: SessionEvent[] = [];
  /** Paths of the bursts that left. */
  readonly paths: number[] = [];
  #next = 0;
  #sent = 0;
  #now = 0;

  constructor(streamCreditBytes: number = 1000) {
    const random = new Random(7);
    this.engine = new SessionEngine(
      {
        opener: 0,
        local: {
          ...LIMITS,
          streamCreditBytes,
          connectionCreditBytes: streamCreditBytes * 1.5,
          bidirectionalStreams: 4,
        },
        congestion: "rate",
        random: (length) => random.bytes(length),
        ceilingBytes: 1472,
      },
      0,
    );
    const generation: Generation = {
      id: 1,
      sendSlot: 1,
      receiveSlot: 1,
      sendCid: OUR_CID,
      receiveCid: PEER_CID,
      suite: SUITE_AES_256_GCM,
      remote: LIMITS,
      initiator: true,
    };
    this.engine.setPath(1, { loopback: false, ipv6: false }, 0);
    this.engine.addGeneration(generation, 0);
  }

  get sent(): number {
    return this.#sent;
  }

  hear(write: (writer: FrameWriter) => void, path = 1): void {
    const writer = new FrameWriter(new Uint8Array(1400));
    writer.begin(1400);
    write(writer);
    this.raw(writer.bytes.subarray(0, writer.length), path);
  }

  raw(bytes: Uint8Array, path = 1): void {
    this.engine.receiveFrames(1, this.#next++, bytes, path, 0, ++this.#now);
    this.pump();
  }

  pump(): void {
    for (;;) {
      const output = this.engine.poll(this.#now);
      if (output.kind === "wait") return;
      if (output.kind === "event") this.events.push(output.event);
      else {
        const { spanCount, skip } = output.plan;
        this.paths.push(output.path);
        this.engine.sent(
          { firstPacket: this.#sent + skip, packets: spanCount, tooBig: 0 },
          this.#now,
        );
        this.#sent += skip + spanCount;
      }
    }
  }

  get closed(): Extract<SessionEvent, { kind: "closed" }> | undefined {
    return this.events.find((event) => event.kind === "closed");
  }
}

function ackOf(...ranges: readonly (readonly [number, number])[]): (writer: FrameWriter) => void {
  const received = new RangeSet();
  for (const [start, end] of ranges) received.add(start, end);
  return (writer) => writer.ack(OUR_CID, received, 0, undefined);
}

const bytes = (length: number) => new Uint8Array(length);

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

test("of many challenges from one address, one is answered", (t) => {
  const victim = new Victim();
  victim.hear((writer) => {
    for (let count = 0; count < 100; count++) writer.pathChallenge(bytes(8));
  }, 2);
  t.is(victim.paths.filter((path) => path === 2).length, 1);
});

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
