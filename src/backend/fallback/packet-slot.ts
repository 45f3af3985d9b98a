import { type PacketKeys, SUITE_CHACHA20_POLY1305 } from "../port.ts";
import { requireCid } from "./cid-table.ts";
import { readUint32, writeUint32 } from "./integers.ts";
import { ReplayWindow } from "./replay-window.ts";
import type { SodiumHeap } from "./sodium-heap.ts";
import { SourceWindows } from "./source-windows.ts";

/** Packet numbers have six bytes. */
export const MOST_PACKET_NUMBER: number = 2 ** 48 - 1;

const MOST_SLOT = 65_535;

/** A copy of the caller's keys, with the lane already mixed into the iv. */
class SlotKeys {
  readonly key: Uint8Array;
  readonly cid: Uint8Array;
  readonly #iv: Uint8Array;

  constructor(keys: PacketKeys) {
    if (keys.suite !== SUITE_CHACHA20_POLY1305) {
      throw new RangeError(`suite ${keys.suite} is not offered by the fallback backend`);
    }
    requireCid(keys.cid);
    if (keys.key.length !== 32) throw new RangeError(`a key has 32 bytes, not ${keys.key.length}`);
    if (keys.iv.length !== 12) throw new RangeError(`an iv has 12 bytes, not ${keys.iv.length}`);
    const { lane } = keys;
    if (lane >>> 0 !== lane)
      throw new RangeError(`a lane is a whole number of 32 bits, not ${lane}`);
    this.key = keys.key.slice();
    this.cid = keys.cid.slice();
    this.#iv = keys.iv.slice();
    const view = new DataView(this.#iv.buffer);
    view.setUint32(0, (view.getUint32(0) ^ lane) >>> 0);
  }

  /** Nonce = iv XOR (lane u32 ‖ packet number u64). */
  writeNonce(bytes: Uint8Array, at: number, packet: number): void {
    const iv = this.#iv;
    bytes.set(iv, at);
    const high = Math.floor(packet / 0x1_0000_0000);
    const low = packet % 0x1_0000_0000;
    bytes[at + 6] = (iv[6] as number) ^ (high >>> 8);
    bytes[at + 7] = (iv[7] as number) ^ high;
    writeUint32(bytes, at + 8, readUint32(iv, 8) ^ low);
  }

  wipe(): void {
    this.key.fill(0);
    this.#iv.fill(0);
  }
}

/** One direction of one slot: where packet numbers are given out, and where refusals are gathered. */
export class SendSlot extends SlotKeys {
  nextPacket = 0;
  /** Packets the path refused for their size and that no SendResult told of yet. */
  tooBig = 0;
}

/** Packet numbers that came in; where many hold the keys, by who sent them. */
type Seen = Pick<SourceWindows, "isFresh" | "accept">;

export class ReceiveSlot extends SlotKeys {
  readonly number: number;
  readonly seen: Seen;

  /** @param ofMany - not only the sender holds these keys */
  constructor(number: number, keys: PacketKeys, ofMany: boolean) {
    super(keys);
    this.number = number;
    this.seen = ofMany ? new SourceWindows() : new ReplayWindow();
  }
}

export function requireSlot(slot: number): void {
  if (!Number.isInteger(slot) || slot < 1 || slot > MOST_SLOT) {
    throw new RangeError(`slots are numbers 1 to ${MOST_SLOT}, not ${slot}`);
  }
}

/** Where the key and the nonce of the packet at hand lie in the heap. */
export class KeyPlace {
  readonly key: number;
  readonly nonce: number;
  readonly #heap: SodiumHeap;
  #owner: SlotKeys | undefined;

  constructor(heap: SodiumHeap) {
    this.#heap = heap;
    this.key = heap.reserve(32);
    this.nonce = heap.reserve(12);
  }

  hold(slot: SlotKeys, packet: number): void {
    if (this.#owner !== slot) this.#heap.bytes.set(slot.key, this.key);
    this.#owner = slot;
    slot.writeNonce(this.#heap.bytes, this.nonce, packet);
  }

  /** Leaves nothing behind of a slot that is gone. */
  forget(slot: SlotKeys): void {
    slot.wipe();
    if (this.#owner !== slot) return;
    this.#heap.bytes.fill(0, this.key, this.key + 32);
    this.#owner = undefined;
  }
}
