import {
  type PacketKeys,
  type SendPlan,
  type SendResult,
  SPAN,
  SPAN_FRAMES,
  SPAN_SYMBOLS,
} from "../port.ts";
import { LOAD_BYTES, PacketSealer } from "./packet-sealer.ts";
import { MOST_PACKET_NUMBER, requireSlot, SendSlot } from "./packet-slot.ts";
import type { Remote } from "./path-table.ts";
import { checkPlan, chunkOf, packetsOf } from "./plan.ts";
import type { SodiumHeap } from "./sodium-heap.ts";
import type { Sent, UdpPort } from "./udp-port.ts";

interface Sending {
  readonly slot: SendSlot;
  readonly sent: Sent;
}

/** Where a burst goes. */
export interface Route {
  readonly port: UdpPort;
  readonly remote: Remote;
}

/**
 * The sending slots. Whether the port has room is asked before a packet is sealed, so nothing sealed
 * is ever left over and no packet number is used twice.
 */
export class Outbound {
  readonly #sealer: PacketSealer;
  readonly #sent: Sent;
  readonly #sendings = new Map<number, Sending>();
  readonly #result: SendResult = { firstPacket: 0, packets: 0, tooBig: 0 };
  readonly #piece = { at: 0, length: 0, stream: 0, offset: 0, fin: false };

  /** @param sent - hears of every packet */
  constructor(heap: SodiumHeap, sent: Sent) {
    this.#sealer = new PacketSealer(heap);
    this.#sent = sent;
  }

  install(number: number, keys: PacketKeys): void {
    requireSlot(number);
    const slot = new SendSlot(keys);
    this.remove(number);
    const sent: Sent = (error, bytes) => {
      if (error?.code === "EMSGSIZE") slot.tooBig++;
      this.#sent(error, bytes);
    };
    this.#sendings.set(number, { slot, sent });
  }

  remove(number: number): void {
    const sending = this.#sendings.get(number);
    if (sending === undefined) return;
    this.#sealer.keys.forget(sending.slot);
    this.#sendings.delete(number);
  }

  /** @returns the same object at each call; `packets` is less than planned where the port filled up */
  send(number: number, route: Route, plan: SendPlan): SendResult {
    const sending = this.#sendings.get(number);
    if (sending === undefined) throw new RangeError(`no sending slot ${number}`);
    checkPlan(plan);
    const { slot } = sending;
    const result = this.#result;
    result.tooBig = slot.tooBig;
    result.packets = 0;
    slot.tooBig = 0;
    this.#reserve(slot, plan);
    result.firstPacket = slot.nextPacket;
    for (let span = 0; span < plan.spanCount && !route.port.isFull; span++) {
      result.packets += this.#sendSpan(sending, route.port, route.remote, plan, span * SPAN.STRIDE);
    }
    return result;
  }

  /** Skips numbers where asked to; refuses a plan whose packets would run out of numbers. */
  #reserve(slot: SendSlot, plan: SendPlan): void {
    const first = slot.nextPacket + plan.skip;
    if (first + plannedPackets(plan) > MOST_PACKET_NUMBER) {
      throw new RangeError("the packet numbers of this slot are used up");
    }
    slot.nextPacket = first;
  }

  /** @returns packets of the span that were taken */
  #sendSpan(sending: Sending, port: UdpPort, remote: Remote, plan: SendPlan, at: number): number {
    if (plan.spans[at + SPAN.kind] !== SPAN_FRAMES)
      return this.#sendBulk(sending, port, remote, plan, at);
    const { slot, sent } = sending;
    const length = plan.spans[at + SPAN.length] as number;
    this.#load(plan, at, 0, length);
    port.send(this.#sealer.sealFrames(slot, slot.nextPacket++, length), remote, sent);
    return 1;
  }

  #sendBulk(sending: Sending, port: UdpPort, remote: Remote, plan: SendPlan, at: number): number {
    const { slot, sent } = sending;
    const chunk = chunkOf(plan, at);
    const isSymbols = plan.spans[at + SPAN.kind] === SPAN_SYMBOLS;
    const loadBytes = Math.floor(LOAD_BYTES / chunk) * chunk;
    const length = plan.spans[at + SPAN.length] as number;
    const offset = plan.spans[at + SPAN.offset] as number;
    const piece = this.#piece;
    piece.stream = plan.spans[at + SPAN.stream] as number;
    const packets = packetsOf(plan, at);
    for (let packet = 0; packet < packets; packet++) {
      if (port.isFull) return packet;
      const from = packet * chunk;
      piece.at = from % loadBytes;
      if (piece.at === 0) this.#load(plan, at, from, Math.min(loadBytes, length - from));
      piece.length = Math.min(chunk, length - from);
      piece.offset = offset + (isSymbols ? packet : from);
      piece.fin = packet === packets - 1 && plan.spans[at + SPAN.fin] === 1;
      const number = slot.nextPacket++;
      const sealed = isSymbols
        ? this.#sealer.sealSymbol(slot, number, piece)
        : this.#sealer.sealStream(slot, number, piece);
      port.send(sealed, remote, sent);
    }
    return packets;
  }

  #load(plan: SendPlan, at: number, from: number, length: number): void {
    const source = plan.sources[plan.spans[at + SPAN.source] as number] as Uint8Array;
    this.#sealer.load(source, (plan.spans[at + SPAN.at] as number) + from, length);
  }
}

function plannedPackets(plan: SendPlan): number {
  let packets = 0;
  for (let span = 0; span < plan.spanCount; span++) packets += packetsOf(plan, span * SPAN.STRIDE);
  return packets;
}
