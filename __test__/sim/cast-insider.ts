/**
 * Members of a cast that do not keep to the rules: one that seals packets under the sender's keys, which
 * every receiver has, and one that says what it likes on its stream.
 */
import {
  type SendPlan,
  SPAN,
  SPAN_FRAMES,
  SPAN_SYMBOLS,
  SYMBOL_OVERHEAD_BYTES,
} from "../../src/backend/port.ts";
import { channelKeys } from "../../src/multicast/cast/channel-keys.ts";
import { CONTENT_OBJECT } from "../../src/multicast/cast/geometry.ts";
import { type CastKey, joinRecord, parseKeyRecord } from "../../src/multicast/cast/key-record.ts";
import type { Peer } from "../../src/multicast/cast/peer.ts";
import { RECORD, RECORD_HEADER_BYTES, record } from "../../src/multicast/cast/records.ts";
import { type Status, statusRecord } from "../../src/multicast/cast/status-record.ts";
import type { Speaker } from "../../src/multicast/hub.ts";
import type { SimHub } from "./cast-hub.ts";
import type { CastWorld } from "./cast-scenario.ts";

const CHANNEL = 0;
/** Packet numbers that the sender will not come to, within the window of those that it has not used. */
const FAR = 40_000;

/** Speaks as the sender does, from an address of its own. */
export class Forger {
  readonly hub: SimHub;
  readonly #key: CastKey;
  readonly #speaker: Speaker;
  readonly #sender: SimHub;
  /** Packets it made. */
  packets = 0;
  #next = 0;

  constructor(world: CastWorld, key: CastKey, address?: string) {
    this.hub = world.network.hub(address === undefined ? {} : { address });
    this.#key = key;
    this.#sender = world.hub;
    this.#speaker = this.hub.speak(
      channelKeys(this.hub.primitives, key.senderKey, key.suite, CHANNEL),
    );
  }

  /** @param ahead - of the sender's packet numbers: those that it has used are old */
  symbols(block: number, first: number, bytes: Uint8Array, ahead: number = FAR): void {
    this.#send(SPAN_SYMBOLS, bytes, block * 0x1_0000 + first, ahead);
  }

  frames(plaintext: Uint8Array, ahead: number = FAR): void {
    this.#send(SPAN_FRAMES, plaintext, 0, ahead);
  }

  #send(kind: number, bytes: Uint8Array, offset: number, ahead: number): void {
    const skip = Math.max(0, this.#sender.nextPacket + ahead - this.#next);
    const spans = new Float64Array(SPAN.STRIDE);
    spans[SPAN.kind] = kind;
    spans[SPAN.length] = bytes.length;
    spans[SPAN.stream] = kind === SPAN_SYMBOLS ? CONTENT_OBJECT : 0;
    spans[SPAN.offset] = offset;
    const { packetBytes, groups } = this.#key;
    const plan: SendPlan = { spans, spanCount: 1, sources: [bytes], packetBytes, skip };
    const { packets, firstPacket } = this.#speaker.send(groups[0] as string, plan);
    this.packets += packets;
    this.#next = firstPacket + packets;
  }

  get symbolBytes(): number {
    return this.#key.packetBytes - SYMBOL_OVERHEAD_BYTES;
  }
}

/** A receiver that only talks: what it says is up to the test. */
export class Liar {
  readonly peer: Peer;
  readonly heard: { readonly type: number; readonly body: Uint8Array }[] = [];
  key: CastKey | undefined;
  isClosed = false;
  bytes = 0;
  readonly #world: CastWorld;

  constructor(world: CastWorld, name?: Uint8Array) {
    this.#world = world;
    this.peer = world.sender.join(name ?? world.network.random.bytes(32), {
      send: (bytes) => this.#hear(bytes.slice()),
      backlog: () => 0,
      close: () => {
        this.isClosed = true;
      },
    });
  }

  /** Enters as every receiver does. */
  enter(): this {
    const proof = new Uint8Array(0);
    const { castId } = this.#world;
    this.say(joinRecord({ castId, suites: [1], receiveBufferBytes: 1 << 20, proof }));
    this.say(record(RECORD.READY, Uint8Array.of(0)));
    return this;
  }

  say(bytes: Uint8Array): void {
    const body = bytes.slice(RECORD_HEADER_BYTES);
    this.#world.sender.receive(this.peer, bytes[0] as number, body);
  }

  status(status: Partial<Status>): void {
    const counts = {
      stamp: 0,
      heldUs: 0,
      delayUs: 0,
      deaf: false,
      heard: 1,
      writtenBytes: 0,
      next: 0,
    };
    const rest = { highest: 0, windowBytes: 1 << 20, kernelDrops: 0, channels: [], runs: [] };
    this.say(statusRecord({ ...counts, ...rest, ...status }));
  }

  /** Says something every few milliseconds until it is over. */
  every(ms: number, say: () => void): void {
    const { clock } = this.#world.network;
    clock.after(ms, () => {
      if (this.isClosed || this.#world.isOver) return;
      say();
      this.every(ms, say);
    });
  }

  #hear(bytes: Uint8Array): void {
    const body = bytes.subarray(RECORD_HEADER_BYTES);
    if (bytes[0] === RECORD.KEY) this.key = parseKeyRecord(body);
    this.bytes += bytes.length;
    if (this.heard.length < 1000) this.heard.push({ type: bytes[0] as number, body });
  }
}
