import { DATA_HEADER_BYTES, STREAM_HEADER_BYTES, SYMBOL_HEADER_BYTES, TAG_BYTES } from "../port.ts";
import { writeUint16, writeUint32, writeUint48 } from "./integers.ts";
import { KeyPlace, type SendSlot } from "./packet-slot.ts";
import { HeapView, type SodiumHeap } from "./sodium-heap.ts";

const TYPE_DATA = 0x56;
const FRAME_STREAM = 0x10;
const FRAME_SYMBOL = 0x14;
const MOST_PACKET_BYTES = 9_216;

/** Bytes of one source kept in the heap at a time. */
export const LOAD_BYTES = 65_536;

/** A piece of the loaded bytes, and where it belongs: `stream` and `offset` as in SPAN. */
export interface LoadedPiece {
  readonly at: number;
  readonly length: number;
  readonly stream: number;
  readonly offset: number;
  readonly fin: boolean;
}

/**
 * Frames and seals packets inside libsodium's heap. A bulk frame's header is written right before its
 * piece of the loaded bytes, over bytes that are sealed already, so the data is copied in once.
 */
export class PacketSealer {
  readonly keys: KeyPlace;
  readonly #heap: SodiumHeap;
  readonly #packet: number;
  readonly #loaded: number;
  readonly #view = new HeapView();
  readonly #plain = { at: 0, length: 0 };
  readonly #header: { readonly at: number; readonly length: number };

  constructor(heap: SodiumHeap) {
    this.#heap = heap;
    this.keys = new KeyPlace(heap);
    this.#packet = heap.reserve(MOST_PACKET_BYTES);
    this.#loaded = heap.reserve(STREAM_HEADER_BYTES + LOAD_BYTES) + STREAM_HEADER_BYTES;
    this.#header = { at: this.#packet, length: DATA_HEADER_BYTES };
  }

  /** At most LOAD_BYTES from `source`, to be sealed by the calls that follow. */
  load(source: Uint8Array, at: number, length: number): void {
    this.#heap.bytes.set(source.subarray(at, at + length), this.#loaded);
  }

  /** @returns one packet of loaded bytes [at, at + length) as they are; valid until the next call */
  sealFrames(slot: SendSlot, packet: number, length: number): Uint8Array {
    return this.#seal(slot, packet, this.#loaded, length);
  }

  /**
   * Pieces of one load must be sealed in ascending order.
   * @returns one packet; valid until the next call
   */
  sealStream(slot: SendSlot, packet: number, piece: LoadedPiece): Uint8Array {
    const at = this.#loaded + piece.at - STREAM_HEADER_BYTES;
    const heap = this.#heap.bytes;
    heap[at] = piece.fin ? FRAME_STREAM + 1 : FRAME_STREAM;
    writeUint32(heap, at + 1, piece.stream);
    writeUint48(heap, at + 5, piece.offset);
    return this.#seal(slot, packet, at, STREAM_HEADER_BYTES + piece.length);
  }

  /** As `sealStream`; the piece is one symbol. */
  sealSymbol(slot: SendSlot, packet: number, piece: LoadedPiece): Uint8Array {
    const at = this.#loaded + piece.at - SYMBOL_HEADER_BYTES;
    const heap = this.#heap.bytes;
    heap[at] = FRAME_SYMBOL;
    writeUint16(heap, at + 1, piece.stream);
    writeUint48(heap, at + 3, piece.offset);
    return this.#seal(slot, packet, at, SYMBOL_HEADER_BYTES + piece.length);
  }

  #seal(slot: SendSlot, packet: number, plainAt: number, plainLength: number): Uint8Array {
    const heap = this.#heap.bytes;
    this.keys.hold(slot, packet);
    heap[this.#packet] = TYPE_DATA;
    heap.set(slot.cid, this.#packet + 1);
    writeUint48(heap, this.#packet + 9, packet);
    this.#plain.at = plainAt;
    this.#plain.length = plainLength;
    this.#heap.seal(
      this.#packet + DATA_HEADER_BYTES,
      this.#plain,
      this.#header,
      this.keys.nonce,
      this.keys.key,
    );
    return this.#view.of(heap, this.#packet, DATA_HEADER_BYTES + plainLength + TAG_BYTES);
  }
}
