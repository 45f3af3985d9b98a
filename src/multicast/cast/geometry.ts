/** How content is cut: blocks of BLOCK_SYMBOLS symbols, one symbol a packet; the last of both is shorter. */
import { BLOCK_SYMBOLS, SYMBOL_OVERHEAD_BYTES } from "../../backend/port.ts";

/** The only object of a cast so far: its content. */
export const CONTENT_OBJECT = 1;

export class Geometry {
  readonly packetBytes: number;
  readonly symbolBytes: number;
  readonly blockBytes: number;
  readonly isLive: boolean;
  /** undefined while a live cast runs. */
  bytes: number | undefined;

  /** @param packetBytes - even, so that symbols are, as Reed-Solomon needs */
  constructor(packetBytes: number, bytes: number | undefined) {
    this.packetBytes = packetBytes;
    this.symbolBytes = packetBytes - SYMBOL_OVERHEAD_BYTES;
    this.blockBytes = this.symbolBytes * BLOCK_SYMBOLS;
    this.isLive = bytes === undefined;
    this.bytes = bytes;
  }

  get kind(): "live" | "files" {
    return this.isLive ? "live" : "files";
  }

  /** How many blocks there are; Infinity while nobody knows. */
  get blocks(): number {
    return this.bytes === undefined ? Infinity : Math.ceil(this.bytes / this.blockBytes);
  }

  bytesOf(block: number): number {
    const left = (this.bytes ?? Infinity) - block * this.blockBytes;
    return Math.max(0, Math.min(this.blockBytes, left));
  }

  /** Source symbols that are sent of a block. */
  symbolsOf(block: number): number {
    return Math.ceil(this.bytesOf(block) / this.symbolBytes);
  }
}
