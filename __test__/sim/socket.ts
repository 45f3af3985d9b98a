import {
  BULK_OVERHEAD_BYTES,
  DATA_HEADER_BYTES,
  type SendPlan,
  type SendResult,
  SPAN,
  SPAN_FRAMES,
  TAG_BYTES,
} from "../../src/backend/port.ts";
import { viewOf, writeUint48 } from "../../src/base/bytes.ts";
import type { SimPacket } from "./link.ts";
import type { Random } from "./random.ts";

export interface SocketFaults {
  /** Every so many calls the socket is full part of the way through; 0 is never. */
  readonly fullEvery: number;
  /** Every so many calls packets above the base size are refused. */
  readonly tooBigEvery: number;
}

/** Packets sealed but not sent that a slot keeps, as in the port: at most 64 KiB. */
const LEFTOVER_PACKETS = 20;
const BASE_BYTES = 1200;

interface SendSlot {
  readonly key: string;
  next: number;
  leftovers: { readonly packet: SimPacket; readonly path: number }[];
}

/** The sending side of backend/port.ts over the simulator: numbers, seals (not really) and cuts into packets. */
export class SimSocket {
  faults: SocketFaults = { fullEvery: 0, tooBigEvery: 0 };
  calls = 0;
  readonly #slots = new Map<number, SendSlot>();
  readonly #random: Random;
  readonly #transmit: (path: number, packet: SimPacket) => void;
  /** Highest packet number used of each key: using one twice would break a real cipher. */
  readonly #used = new Map<string, number>();
  readonly #result: SendResult = { firstPacket: 0, packets: 0, tooBig: 0 };

  constructor(random: Random, transmit: (path: number, packet: SimPacket) => void) {
    this.#random = random;
    this.#transmit = transmit;
  }

  installSend(slot: number, key: string): void {
    this.#slots.set(slot, { key, next: 0, leftovers: [] });
  }

  removeSend(slot: number): void {
    this.#slots.delete(slot);
  }

  sendSealed(slot: number, path: number, plan: SendPlan): SendResult {
    const keys = this.#slots.get(slot);
    if (keys === undefined) throw new Error(`send slot ${slot} is not installed`);
    this.calls++;
    for (const leftover of keys.leftovers.splice(0)) this.#transmit(leftover.path, leftover.packet);
    const { fullEvery, tooBigEvery } = this.faults;
    const room = fullEvery > 0 && this.calls % fullEvery === 0 ? this.#random.below(60) : Infinity;
    const refuses = tooBigEvery > 0 && this.calls % tooBigEvery === 0;
    this.#result.firstPacket = keys.next + plan.skip;
    this.#result.tooBig = 0;
    let taken = 0;
    cut(plan, (plaintext) => {
      if (taken >= room + LEFTOVER_PACKETS) return false;
      if (taken === 0) keys.next += plan.skip;
      const packet = this.#seal(keys, plaintext);
      if (refuses && packet.size > BASE_BYTES) this.#result.tooBig++;
      else if (taken >= room) keys.leftovers.push({ packet, path });
      else this.#transmit(path, packet);
      taken++;
      return true;
    });
    this.#result.packets = taken;
    return this.#result;
  }

  #seal(slot: SendSlot, plaintext: Uint8Array): SimPacket {
    const number = slot.next++;
    if (number <= (this.#used.get(slot.key) ?? -1))
      throw new Error(`nonce ${number} of ${slot.key} used twice`);
    this.#used.set(slot.key, number);
    return {
      key: slot.key,
      packet: number,
      size: plaintext.length + DATA_HEADER_BYTES + TAG_BYTES,
      plaintext,
    };
  }
}

/** Cuts a plan into plaintexts as the port says, until `each` refuses one. */
function cut(plan: SendPlan, each: (plaintext: Uint8Array) => boolean): void {
  const { spans, sources } = plan;
  for (let index = 0; index < plan.spanCount; index++) {
    const at = index * SPAN.STRIDE;
    const source = sources[spans[at + SPAN.source] as number] as Uint8Array;
    const start = spans[at + SPAN.at] as number;
    const length = spans[at + SPAN.length] as number;
    if (start + length > source.length) throw new Error("a span leaves its source");
    const bytes = source.subarray(start, start + length);
    if (spans[at + SPAN.kind] === SPAN_FRAMES) {
      if (length + DATA_HEADER_BYTES + TAG_BYTES > plan.packetBytes)
        throw new Error("frames exceed the packet");
      if (!each(bytes.slice())) return;
      continue;
    }
    const payload = plan.packetBytes - BULK_OVERHEAD_BYTES;
    const offset = spans[at + SPAN.offset] as number;
    for (let from = 0; from === 0 || from < length; from += payload) {
      const to = Math.min(from + payload, length);
      const fin = to === length && spans[at + SPAN.fin] === 1;
      if (
        !each(bulk(spans[at + SPAN.stream] as number, offset + from, bytes.subarray(from, to), fin))
      )
        return;
    }
  }
}

function bulk(stream: number, offset: number, data: Uint8Array, fin: boolean): Uint8Array {
  const plaintext = new Uint8Array(11 + data.length);
  const view = viewOf(plaintext);
  plaintext[0] = fin ? 0x11 : 0x10;
  view.setUint32(1, stream);
  writeUint48(view, 5, offset);
  plaintext.set(data, 11);
  return plaintext;
}
