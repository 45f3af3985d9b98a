/** RFC 8899 with the constants of quinn: probe the ceiling first, then bisect. */
export const BASE_PACKET_BYTES = 1200;
const PROBES_PER_SIZE = 3;
/** The search ends when less than this is to be gained. */
const RESOLUTION_BYTES = 20;
const REPROBE_MS = 600_000;
const BLACK_HOLE_BURSTS = 3;
const COOL_DOWN_MS = 60_000;

/** How large a packet of one path may be, found out by padded probes that data never waits for. */
export class PacketSize {
  /** UDP payload of a full packet. */
  current: number = BASE_PACKET_BYTES;
  readonly #ceiling: number;
  /** Smallest size known not to pass. */
  #refused: number;
  #probing = 0;
  #tries = 0;
  #nextSearchAt: number = -Infinity;
  #suspiciousBursts = 0;
  #lastSuspiciousAt = -1;

  /** @param trusted - the ceiling is known to pass */
  constructor(ceiling: number, trusted: boolean) {
    this.#ceiling = Math.max(ceiling, BASE_PACKET_BYTES);
    this.#refused = this.#ceiling + 1;
    if (trusted) this.current = this.#ceiling;
  }

  /** The size to probe now, or 0. */
  probe(now: number): number {
    if (this.#probing !== 0 || now < this.#nextSearchAt) return 0;
    if (this.#nextSearchAt > 0) {
      this.#nextSearchAt = -Infinity;
      this.#refused = this.#ceiling + 1;
    }
    if (this.#refused > this.#ceiling) return this.current < this.#ceiling ? this.#ceiling : 0;
    if (this.#refused - this.current <= RESOLUTION_BYTES) {
      this.#nextSearchAt = now + REPROBE_MS;
      return 0;
    }
    return (this.current + this.#refused) >> 1;
  }

  probeSent(bytes: number): void {
    this.#probing = bytes;
  }

  probeAcked(bytes: number): void {
    if (bytes === this.#probing) this.#probing = 0;
    this.#tries = 0;
    if (bytes < this.#refused) this.current = Math.max(this.current, bytes);
  }

  probeLost(bytes: number): void {
    if (bytes !== this.#probing) return;
    this.#probing = 0;
    if (++this.#tries < PROBES_PER_SIZE) return;
    this.#tries = 0;
    this.#refused = Math.min(this.#refused, bytes);
  }

  /** The socket refused packets of this size. */
  tooBig(bytes: number): void {
    this.#tries = 0;
    this.#probing = 0;
    if (bytes <= BASE_PACKET_BYTES) return;
    this.#refused = Math.min(this.#refused, bytes);
    if (this.current >= bytes) this.current = BASE_PACKET_BYTES;
  }

  /** A packet above the base arrived: no black hole. */
  bigAcked(): void {
    this.#suspiciousBursts = 0;
  }

  /** Packets above the base were lost, all sent at one time. @returns whether the path swallows them */
  bigLost(sentAt: number, now: number): boolean {
    if (sentAt <= this.#lastSuspiciousAt || this.current === BASE_PACKET_BYTES) return false;
    this.#lastSuspiciousAt = sentAt;
    if (++this.#suspiciousBursts < BLACK_HOLE_BURSTS) return false;
    this.#suspiciousBursts = 0;
    this.current = BASE_PACKET_BYTES;
    this.#nextSearchAt = now + COOL_DOWN_MS;
    return true;
  }
}
