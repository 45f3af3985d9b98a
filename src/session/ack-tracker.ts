import { RangeSet } from "../base/ranges.ts";
import { ACK_RANGES_MAX } from "../wire/frames.ts";

/** An ACK is due after so many packets at rate, unless the peer's ACK_POLICY says otherwise. */
const ACK_EVERY_PACKETS = 64;
/** While a sender starts it is paced by ACKs, so the first packets get more of them. */
const START_UP_PACKETS = 32;
const START_UP_ACK_EVERY_PACKETS = 2;
/** A range is said again in so many ACKs, over two round trips: any of them may be lost. */
const REPEATS = 8;
const ACK_DELAY_MIN_MS = 1;
export const ACK_DELAY_MAX_MS = 25;

/** How long an ACK may wait for company. */
export function ackDelayMs(rttMs: number): number {
  return Math.max(ACK_DELAY_MIN_MS, Math.min(rttMs / 4, ACK_DELAY_MAX_MS));
}

/** What arrived in one receive slot, and when it must be said. */
export class AckTracker {
  readonly received: RangeSet = new RangeSet();
  /** Highest packet number received, -1 before the first. */
  largest = -1;
  /** When an ACK must leave; Infinity while none is owed. */
  dueAt: number = Infinity;
  #largestAt = 0;
  #unacknowledged = 0;
  #total = 0;
  /** ACKs since `#oldest` was `largest`, and when that was. */
  #repeats = 0;
  #oldestAt = 0;
  #oldest = -1;
  #everyPackets = ACK_EVERY_PACKETS;
  #policyDelayMs = Infinity;
  /** ECT(0), ECT(1), CE. */
  #marks: [number, number, number] | undefined;

  get owed(): boolean {
    return this.#unacknowledged > 0;
  }

  get marks(): readonly number[] | undefined {
    return this.#marks;
  }

  /** The peer asks for another rhythm (ACK_POLICY). */
  adopt(packets: number, delayMs: number): void {
    this.#everyPackets = Math.max(1, Math.min(packets, 1024));
    this.#policyDelayMs = Math.max(ACK_DELAY_MIN_MS, delayMs);
  }

  /**
   * @param asks - whether the packets ask for an ACK at all
   * @param urgent - whether the sender waits for this one (end of a stream)
   */
  record(
    packet: number,
    count: number,
    asks: boolean,
    urgent: boolean,
    ecn: number,
    rttMs: number,
    time: number,
  ): void {
    const inOrder = packet === this.largest + 1 || this.largest < 0;
    this.received.add(packet, packet + count);
    this.received.keepHighest(ACK_RANGES_MAX);
    this.#total += count;
    if (packet + count - 1 > this.largest) {
      this.largest = packet + count - 1;
      this.#largestAt = time;
    }
    if (ecn !== 0) this.#mark(ecn, count);
    if (!asks) return;

    this.#unacknowledged += count;
    const every = this.#total <= START_UP_PACKETS ? START_UP_ACK_EVERY_PACKETS : this.#everyPackets;
    if (!inOrder || urgent || ecn === 3 || this.#unacknowledged >= every) this.dueAt = time;
    else this.dueAt = Math.min(this.dueAt, time + Math.min(this.#policyDelayMs, ackDelayMs(rttMs)));
  }

  /** Microseconds the newest packet has waited for its ACK. */
  delayUs(now: number): number {
    return Math.max(0, now - this.#largestAt) * 1000;
  }

  /** What has been said often enough is not said again: a sender leaves out numbers, and each is a gap for ever. */
  written(now: number, rttMs: number): void {
    this.#unacknowledged = 0;
    this.dueAt = Infinity;
    if (++this.#repeats < REPEATS || now - this.#oldestAt < 2 * rttMs) return;
    this.received.forgetBelow(this.#oldest);
    this.#oldest = this.largest;
    this.#oldestAt = now;
    this.#repeats = 0;
  }

  /** The packet with the ACK did not leave. */
  unwritten(now: number): void {
    this.#unacknowledged = Math.max(1, this.#unacknowledged);
    this.dueAt = now;
  }

  #mark(ecn: number, count: number): void {
    this.#marks ??= [0, 0, 0];
    const index = ecn === 2 ? 0 : ecn === 1 ? 1 : 2;
    this.#marks[index] += count;
  }
}
