/**
 * What does the session engine cost in JavaScript, sockets and ciphers apart? Both sides run in this
 * process over a backend that only cuts, counts and copies; prints nanoseconds a burst and GB/s.
 *
 *   node build/bench/engine.js [gigabytes]
 */

import { LIMITS } from "../__test__/sim/world.ts";
import {
  BULK_OVERHEAD_BYTES,
  type SendPlan,
  type SendResult,
  SPAN,
  SPAN_FRAMES,
  SUITE_AES_256_GCM,
} from "../src/backend/port.ts";
import type { Generation, SessionEvent } from "../src/session/contract.ts";
import { SessionEngine } from "../src/session/session.ts";

const GIGABYTES = Number(process.argv[2] ?? 4);
const WRITE_BYTES = 65_536;
/** Packets of one GSO send: runs arrive at most this long. */
const TRAIN_PACKETS = 44;

interface Row {
  readonly packet: number;
  readonly count: number;
  readonly stream: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly fin: boolean;
  readonly frames: boolean;
}

/** Cuts a plan into rows as a socket and a receive thread would, without copying payloads. */
class Pipe {
  rows: Row[] = [];
  next = 0;
  readonly result: SendResult = { firstPacket: 0, packets: 0, tooBig: 0 };

  send(plan: SendPlan): SendResult {
    const payload = plan.packetBytes - BULK_OVERHEAD_BYTES;
    this.next += plan.skip;
    this.result.firstPacket = this.next;
    for (let index = 0; index < plan.spanCount; index++)
      this.#span(plan, index * SPAN.STRIDE, payload);
    this.result.packets = this.next - this.result.firstPacket;
    return this.result;
  }

  #span({ spans, sources }: SendPlan, at: number, payload: number): void {
    const source = sources[spans[at + SPAN.source] as number] as Uint8Array;
    const start = spans[at + SPAN.at] as number;
    const length = spans[at + SPAN.length] as number;
    const frames = spans[at + SPAN.kind] === SPAN_FRAMES;
    const train = frames ? length : TRAIN_PACKETS * payload;
    for (let from = 0; from === 0 || from < length; from += train) {
      const to = Math.min(length, from + train);
      const count = frames ? 1 : Math.max(1, Math.ceil((to - from) / payload));
      const view = source.subarray(start + from, start + to);
      const bytes = frames ? view.slice() : view;
      const fin = to === length && spans[at + SPAN.fin] === 1;
      const stream = spans[at + SPAN.stream] as number;
      const offset = (spans[at + SPAN.offset] as number) + from;
      this.rows.push({ packet: this.next, count, stream, offset, bytes, fin, frames });
      this.next += count;
    }
  }
}

class Side {
  readonly engine: SessionEngine;
  readonly out: Pipe = new Pipe();
  bursts = 0;
  readonly #onEvent: (event: SessionEvent) => void;

  constructor(opener: 0 | 1, onEvent: (event: SessionEvent) => void) {
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
    this.engine = new SessionEngine(
      { opener, local: LIMITS, congestion: "rate", random, ceilingBytes: 1472 },
      performance.now(),
    );
    this.#onEvent = onEvent;
  }

  install(sendCid: Uint8Array, receiveCid: Uint8Array, initiator: boolean): void {
    const generation: Generation = {
      id: 1,
      sendSlot: 1,
      receiveSlot: 1,
      sendCid,
      receiveCid,
      suite: SUITE_AES_256_GCM,
      remote: LIMITS,
      initiator,
    };
    this.engine.setPath(1, { loopback: true, ipv6: false }, performance.now());
    this.engine.addGeneration(generation, performance.now());
  }

  receive(rows: readonly Row[], now: number): void {
    for (const { packet, count, stream, offset, bytes, fin, frames } of rows) {
      if (frames) this.engine.receiveFrames(1, packet, bytes, 1, 0, now);
      else this.engine.receiveStream(1, packet, count, stream, offset, bytes, fin, 1, 0, now);
    }
  }

  pump(now: number): void {
    for (;;) {
      const output = this.engine.poll(now);
      if (output.kind === "wait") return;
      if (output.kind === "event") this.#onEvent(output.event);
      else {
        this.bursts++;
        this.engine.sent(this.out.send(output.plan), now);
      }
    }
  }
}

const total = GIGABYTES * 1e9;
const chunk = new Uint8Array(WRITE_BYTES).fill(7);
let received = 0;
let written = 0;
let ended = false;
let stream = 0;

const write = () => {
  while (written < total) {
    const taken = sender.engine.write(stream, chunk, performance.now());
    written += taken;
    if (taken < chunk.length) return;
  }
  sender.engine.finish(stream, performance.now());
};
const sender = new Side(0, (event) => event.kind === "writable" && write());
const receiver = new Side(1, (event) => {
  if (event.kind !== "readable") return;
  for (
    let bytes = receiver.engine.read(event.stream);
    bytes !== undefined;
    bytes = receiver.engine.read(event.stream)
  )
    received += bytes.length;
  ended ||= receiver.engine.ended(event.stream);
});

const [up, down] = [new Uint8Array(8).fill(1), new Uint8Array(8).fill(2)];
sender.install(up, down, true);
receiver.install(down, up, false);
stream = sender.engine.openStream({ unidirectional: true }, performance.now()) as number;
const start = performance.now();
write();
while (!ended) {
  for (const [from, to] of [
    [sender, receiver],
    [receiver, sender],
  ] as const) {
    from.pump(performance.now());
    to.receive(from.out.rows.splice(0), performance.now());
  }
}
const ms = performance.now() - start;
const bursts = sender.bursts + receiver.bursts;
console.log(`engine only, both sides on one core: ${(received / ms / 1e6).toFixed(2)} GB/s`);
console.log(
  `${bursts} bursts, ${((ms * 1e6) / bursts).toFixed(0)} ns a burst, ${((ms * 1e6) / received).toFixed(3)} ns a byte (two copies of each byte included)`,
);
console.log(`${sender.out.next} packets, ${((ms * 1e6) / sender.out.next).toFixed(0)} ns a packet`);
