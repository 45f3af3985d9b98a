import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/** One sealed packet on its way. */
export interface SimPacket {
  readonly key: string;
  readonly packet: number;
  /** UDP payload in bytes. */
  readonly size: number;
  readonly plaintext: Uint8Array;
}

export interface LinkOptions {
  readonly delayMs: number;
  /** Of the wire, IP and UDP headers included; default no limit. */
  readonly bitsPerSecond?: number;
  /** Drop-tail queue before the wire; default no limit. */
  readonly queueBytes?: number;
  /** Probabilities, 0 to 1. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  /** How much later a reordered packet comes, at most. */
  readonly reorderMs?: number;
  /** Largest UDP payload that passes; larger ones vanish. */
  readonly mtuBytes?: number;
}

const IP_AND_UDP_BYTES = 28;

/** One direction of a path: a queue, a wire and what goes wrong on it. May be shared by several flows. */
export class Link {
  options: LinkOptions;
  dropped = 0;
  delivered = 0;
  /** Set to cut the wire. */
  down = false;
  readonly #clock: Clock;
  readonly #random: Random;
  #freeAt = 0;

  constructor(clock: Clock, random: Random, options: LinkOptions) {
    this.#clock = clock;
    this.#random = random;
    this.options = options;
  }

  send(packet: SimPacket, arrive: (packet: SimPacket) => void): void {
    const {
      bitsPerSecond = Infinity,
      queueBytes = Infinity,
      loss = 0,
      duplicate = 0,
      mtuBytes = Infinity,
    } = this.options;
    if (this.down || packet.size > mtuBytes || this.#random.chance(loss)) {
      this.dropped++;
      return;
    }
    const { now } = this.#clock;
    const bytesPerMs = bitsPerSecond / 8000;
    const bytes = packet.size + IP_AND_UDP_BYTES;
    const start = Math.max(now, this.#freeAt);
    if (bytesPerMs < Infinity && (start - now) * bytesPerMs + bytes > queueBytes) {
      this.dropped++;
      return;
    }
    this.#freeAt = start + bytes / bytesPerMs;
    this.#deliver(packet, arrive);
    if (this.#random.chance(duplicate)) this.#deliver(packet, arrive);
  }

  #deliver(packet: SimPacket, arrive: (packet: SimPacket) => void): void {
    const { delayMs, reorder = 0, reorderMs = 5 } = this.options;
    const late = this.#random.chance(reorder) ? this.#random.next() * reorderMs : 0;
    this.#clock.at(this.#freeAt + delayMs + late, () => {
      if (this.down) return;
      this.delivered++;
      arrive(packet);
    });
  }
}
