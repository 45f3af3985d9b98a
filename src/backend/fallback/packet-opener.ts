import {
  DATA_HEADER_BYTES,
  ROW_STREAM,
  ROW_SYMBOLS,
  STREAM_HEADER_BYTES,
  SYMBOL_HEADER_BYTES,
  TAG_BYTES,
} from "../port.ts";
import type { BulkPiece } from "./batch-builder.ts";
import { CidTable } from "./cid-table.ts";
import { readUint16, readUint32, readUint48 } from "./integers.ts";
import { KeyPlace, type ReceiveSlot } from "./packet-slot.ts";
import { HeapView, type SodiumHeap } from "./sodium-heap.ts";

const FRAME_STREAM = 0x10;
const FRAME_STREAM_FIN = 0x11;
const FRAME_SYMBOL = 0x14;
/** Largest packet of the protocol: a 9,000-byte MTU without IPv4 and UDP headers. */
export const MOST_PACKET_BYTES = 8_972;

export type Opened =
  | "opened"
  | "droppedMalformed"
  | "droppedUnknown"
  | "droppedForged"
  | "droppedReplayed";

/** Opens sealed packets inside libsodium's heap. What came out is in the fields until the next call. */
export class PacketOpener {
  readonly slots: CidTable<ReceiveSlot> = new CidTable();

  slot = 0;
  packet = 0;
  /** Whether the plaintext is one bulk frame, STREAM or SYMBOL; its header is then in the next four. */
  isBulk = false;
  kind: BulkPiece["kind"] = ROW_STREAM;
  stream = 0;
  offset = 0;
  fin = false;
  /** The frame's data, or the whole plaintext. In the heap: copy it before any other call. */
  payload: Uint8Array = new Uint8Array(0);

  readonly keys: KeyPlace;
  readonly #heap: SodiumHeap;
  readonly #packet: number;
  readonly #plain: number;
  readonly #view = new HeapView();
  readonly #header: { readonly at: number; readonly length: number };
  readonly #sealed: { readonly at: number; length: number };

  constructor(heap: SodiumHeap) {
    this.#heap = heap;
    this.keys = new KeyPlace(heap);
    this.#packet = heap.reserve(MOST_PACKET_BYTES);
    this.#plain = heap.reserve(MOST_PACKET_BYTES);
    this.#header = { at: this.#packet, length: DATA_HEADER_BYTES };
    this.#sealed = { at: this.#packet + DATA_HEADER_BYTES, length: 0 };
  }

  /** @param interfaceName - by which it came to a group; empty for unicast */
  open(datagram: Uint8Array, source: string, interfaceName: string): Opened {
    const { length } = datagram;
    if (length < DATA_HEADER_BYTES + TAG_BYTES || length > MOST_PACKET_BYTES)
      return "droppedMalformed";
    const slot = this.slots.find(datagram, 1);
    if (slot === undefined) return "droppedUnknown";
    const packet = readUint48(datagram, 9);
    if (!slot.seen.isFresh(packet, source, interfaceName)) return "droppedReplayed";
    if (!this.#decrypt(slot, packet, datagram)) return "droppedForged";
    slot.seen.accept(packet, source, interfaceName);
    this.slot = slot.number;
    this.packet = packet;
    this.#read(length - DATA_HEADER_BYTES - TAG_BYTES);
    return "opened";
  }

  #decrypt(slot: ReceiveSlot, packet: number, datagram: Uint8Array): boolean {
    const heap = this.#heap.bytes;
    this.keys.hold(slot, packet);
    heap.set(datagram, this.#packet);
    this.#sealed.length = datagram.length - DATA_HEADER_BYTES;
    return (
      this.#heap.open(this.#plain, this.#sealed, this.#header, this.keys.nonce, this.keys.key) === 0
    );
  }

  #read(plainLength: number): void {
    const heap = this.#heap.bytes;
    const at = this.#plain;
    const headerBytes = this.#readHeader(heap, at, plainLength);
    this.isBulk = headerBytes > 0;
    this.payload = this.#view.of(heap, at + headerBytes, plainLength - headerBytes);
  }

  /** @returns bytes of the bulk frame's header; 0 where the plaintext is none */
  #readHeader(heap: Uint8Array, at: number, plainLength: number): number {
    const type = heap[at];
    const isFin = type === FRAME_STREAM_FIN;
    if ((isFin || type === FRAME_STREAM) && plainLength >= STREAM_HEADER_BYTES) {
      this.kind = ROW_STREAM;
      this.fin = isFin;
      this.stream = readUint32(heap, at + 1);
      this.offset = readUint48(heap, at + 5);
      return STREAM_HEADER_BYTES;
    }
    // An empty symbol is none, and left to whoever reads frames.
    if (type === FRAME_SYMBOL && plainLength > SYMBOL_HEADER_BYTES) {
      this.kind = ROW_SYMBOLS;
      this.fin = false;
      this.stream = readUint16(heap, at + 1);
      this.offset = readUint48(heap, at + 3);
      return SYMBOL_HEADER_BYTES;
    }
    return 0;
  }
}
