import { SUITE_AES_256_GCM } from "../../src/backend/port.ts";
import { RangeSet } from "../../src/base/ranges.ts";
import type { Generation, SessionEvent } from "../../src/session/contract.ts";
import { SessionEngine } from "../../src/session/session.ts";
import { FrameWriter } from "../../src/wire/frames-write.ts";
import { Random } from "../sim/random.ts";
import { LIMITS } from "../sim/world.ts";

const OUR_CID = new Uint8Array(8).fill(1);
const PEER_CID = new Uint8Array(8).fill(2);
/** The engine opens even ids, the peer odd ones; bit 1 is unidirectional. */
export const PEER_STREAM = 1;
export const PEER_ONE_WAY = 3;
export const OWN_ONE_WAY = 2;

export function generationOf(slot: number, initiator: boolean): Generation {
  return {
    id: slot,
    sendSlot: slot,
    receiveSlot: slot,
    sendCid: OUR_CID,
    receiveCid: PEER_CID,
    suite: SUITE_AES_256_GCM,
    remote: LIMITS,
    initiator,
  };
}

/** An engine whose peer is the test: it says what no honest peer would. */
export class Victim {
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
    this.engine.setPath(1, { loopback: false, ipv6: false }, 0);
    this.engine.addGeneration(generationOf(1, true), 0);
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

export function ackOf(
  ...ranges: readonly (readonly [number, number])[]
): (writer: FrameWriter) => void {
  const received = new RangeSet();
  for (const [start, end] of ranges) received.add(start, end);
  return (writer) => writer.ack(OUR_CID, received, 0, undefined);
}

export const bytes = (length: number): Uint8Array => new Uint8Array(length);
