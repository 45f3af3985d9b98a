import { ACK_DELAY_MAX_MS } from "./ack-tracker.ts";
import type { AckSample } from "./congestion.ts";

/** The bandwidth is the highest delivery rate of so many rounds. */
const BANDWIDTH_ROUNDS = 10;
/** The longest ACK delay is forgotten over some tens of rounds. */
const DELAY_DECAY = 0.95;
const MIN_RTT_AGE_MS = 10_000;
/** Start-up ends after so many rounds in which the rate grew by less than a quarter. */
const FULL_ROUNDS = 3;
const FULL_GROWTH = 1.25;

/** What ACKs say about a path: its bandwidth, its delay, and the losses of the round under way. */
export class RateModel {
  /** Lowest round trip of the last ten seconds; 1 before the first. */
  minRttMs = 1;
  /** How long ACKs are held back, at most of late. */
  delayMs = 0;
  round = 0;
  pipeFull = false;
  roundLostPackets = 0;
  roundMarked = false;
  readonly #best: number[] = [0];
  #minRttAt: number = -Infinity;
  #roundEndsAt = 0;
  #roundLost = 0;
  #roundAcked = 0;
  #roundLimited = true;
  #fullBandwidth = 0;
  #fullRounds = 0;
  #bandwidth = 0;

  /** Bytes a millisecond; 0 before the first sample. */
  get bandwidth(): number {
    return this.#bandwidth;
  }

  get roundLossRate(): number {
    return this.#roundLost / Math.max(1, this.#roundLost + this.#roundAcked);
  }

  /** @returns whether a round trip has passed since the last time */
  update(sample: AckSample): boolean {
    this.#roundLost += sample.lostBytes;
    this.#roundAcked += sample.ackedBytes;
    this.roundLostPackets += sample.lostPackets;
    this.roundMarked ||= sample.marks > 0;
    if (sample.rttMs > 0 && (sample.rttMs <= this.minRttMs || this.#minRttAt === -Infinity)) {
      this.minRttMs = sample.rttMs;
      this.#minRttAt = sample.now;
    }
    if (sample.rttMs > 0)
      this.delayMs = Math.max(this.delayMs, Math.min(sample.delayMs, ACK_DELAY_MAX_MS));
    if (sample.ackedBytes === 0) return false;
    this.#roundLimited &&= sample.appLimited;
    const current = this.#best.length - 1;
    if (!sample.appLimited || sample.rate >= this.#bandwidth) {
      this.#best[current] = Math.max(this.#best[current] as number, sample.rate);
      this.#bandwidth = Math.max(this.#bandwidth, sample.rate);
    }
    return sample.priorDelivered >= this.#roundEndsAt;
  }

  startRound(sample: AckSample): void {
    this.round++;
    this.delayMs *= DELAY_DECAY;
    this.#roundEndsAt = sample.delivered;
    if (!this.pipeFull && !this.#roundLimited) this.#lookWhetherFull();
    // Rounds limited by the program say nothing, so they push nothing out of the memory.
    if (!this.#roundLimited) this.#best.push(0);
    if (this.#best.length > BANDWIDTH_ROUNDS) this.#best.shift();
    this.#bandwidth = Math.max(...this.#best);
    this.#clearRound();
  }

  fillPipe(): void {
    this.pipeFull = true;
  }

  /** Losses of this round were none. */
  forgiveLosses(): void {
    this.#roundLost = 0;
    this.roundLostPackets = 0;
  }

  /** Sending after a pause: the lowest round trip is not old just because nobody asked. */
  resume(now: number): void {
    if (this.#minRttAt !== -Infinity)
      this.#minRttAt = Math.max(this.#minRttAt, now - MIN_RTT_AGE_MS / 2);
  }

  minRttIsOld(now: number): boolean {
    return now - this.#minRttAt > MIN_RTT_AGE_MS;
  }

  /** The next samples decide what the lowest round trip is. */
  forgetMinRtt(): void {
    this.#minRttAt = -Infinity;
  }

  keepMinRtt(now: number): void {
    this.#minRttAt = now;
  }

  reset(): void {
    this.pipeFull = false;
    this.#best.length = 0;
    this.#best.push(0);
    this.#bandwidth = 0;
    this.#fullBandwidth = 0;
    this.#fullRounds = 0;
    this.#minRttAt = -Infinity;
    this.#clearRound();
  }

  #clearRound(): void {
    this.#roundLost = 0;
    this.#roundAcked = 0;
    this.#roundLimited = true;
    this.roundLostPackets = 0;
    this.roundMarked = false;
  }

  #lookWhetherFull(): void {
    if (this.#bandwidth >= this.#fullBandwidth * FULL_GROWTH) {
      this.#fullBandwidth = this.#bandwidth;
      this.#fullRounds = 0;
    } else if (++this.#fullRounds >= FULL_ROUNDS) this.pipeFull = true;
  }
}
