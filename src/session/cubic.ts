import type { AckSample, CongestionController, CongestionOptions } from "./congestion.ts";

/** RFC 9438. */
const C = 0.4;
const BETA = 0.7;
const WINDOW_PACKETS_MIN = 4;
/** HyStart (RFC 9406): slow start ends when the lowest delay of a round grows by an eighth, 4 to 16 ms. */
const DELAY_GROWTH_MIN_MS = 4;
const DELAY_GROWTH_MAX_MS = 16;
/** One late ACK is no queue: the lowest of a round counts. */
const ROUND_SAMPLES_MIN = 4;

/** Loss-based control: grows along a cubic from the window at the last loss. */
export class Cubic implements CongestionController {
  packetBytes: number;
  #window: number;
  #threshold: number = Infinity;
  #smoothedRttMs: number;
  #lastMax = 0;
  #epochAt = 0;
  #epochWindow = 0;
  #recoveryAt: number = -Infinity;
  #roundEndsAt = 0;
  #roundRttMs: number = Infinity;
  #lastRoundRttMs: number = Infinity;
  #roundSamples = 0;
  #undo: { window: number; threshold: number } | undefined;

  constructor(options: CongestionOptions) {
    this.packetBytes = options.packetBytes;
    this.#window = options.initialWindow;
    this.#smoothedRttMs = options.initialRttMs;
  }

  get window(): number {
    return this.#window;
  }

  get rate(): number {
    return ((this.#window < this.#threshold ? 2 : 1.25) * this.#window) / this.#smoothedRttMs;
  }

  get bandwidth(): number {
    return this.#window / this.#smoothedRttMs;
  }

  onSent(): void {}

  onAck(sample: AckSample): void {
    this.#smoothedRttMs = Math.max(sample.smoothedRttMs, 0.01);
    if (sample.persistent) this.#collapse();
    else if (
      (sample.lostPackets > 0 || sample.marks > 0) &&
      Math.max(sample.lostSentAt, sample.ackedSentAt) > this.#recoveryAt
    ) {
      if (sample.lostPackets === 0 || sample.lostSentAt > this.#recoveryAt)
        this.#reduce(sample.now);
    }
    if (sample.ackedBytes === 0 || sample.ackedSentAt <= this.#recoveryAt) return;
    const used =
      sample.priorInFlight >= this.#window - Math.max(this.#window / 8, 4 * this.packetBytes);
    if (!used || sample.appLimited) return;
    if (this.#window < this.#threshold) this.#slowStart(sample);
    else this.#avoid(sample);
  }

  onSpurious(): void {
    if (this.#undo === undefined) return;
    this.#window = Math.max(this.#window, this.#undo.window);
    this.#threshold = Math.max(this.#threshold, this.#undo.threshold);
    this.#undo = undefined;
  }

  #slowStart(sample: AckSample): void {
    this.#window += sample.ackedBytes;
    if (sample.priorDelivered >= this.#roundEndsAt) {
      const growth = Math.max(
        DELAY_GROWTH_MIN_MS,
        Math.min(this.#lastRoundRttMs / 8, DELAY_GROWTH_MAX_MS),
      );
      if (
        this.#roundRttMs > this.#lastRoundRttMs + growth &&
        this.#roundSamples >= ROUND_SAMPLES_MIN
      )
        this.#threshold = this.#window;
      this.#lastRoundRttMs = this.#roundRttMs;
      this.#roundRttMs = Infinity;
      this.#roundSamples = 0;
      this.#roundEndsAt = sample.delivered;
    }
    if (sample.rttMs === 0) return;
    this.#roundRttMs = Math.min(this.#roundRttMs, sample.rttMs);
    this.#roundSamples++;
  }

  #avoid(sample: AckSample): void {
    const packets = this.#window / this.packetBytes;
    if (this.#epochAt === 0) {
      this.#epochAt = sample.now;
      this.#epochWindow = packets;
      this.#lastMax = Math.max(this.#lastMax, packets);
    }
    const k = Math.cbrt((this.#lastMax - this.#epochWindow) / C);
    const seconds = (sample.now - this.#epochAt + sample.smoothedRttMs) / 1000;
    const target = C * (seconds - k) ** 3 + this.#lastMax;
    const reno =
      this.#epochWindow +
      (((3 * (1 - BETA)) / (1 + BETA)) * (sample.now - this.#epochAt)) / sample.smoothedRttMs;
    const wanted = Math.min(Math.max(target, reno), packets * 1.5);
    if (wanted > packets) this.#window += ((wanted - packets) / packets) * sample.ackedBytes;
  }

  #reduce(now: number): void {
    this.#undo = { window: this.#window, threshold: this.#threshold };
    this.#recoveryAt = now;
    const packets = this.#window / this.packetBytes;
    this.#lastMax = packets < this.#lastMax ? (packets * (1 + BETA)) / 2 : packets;
    this.#window = Math.max(this.#window * BETA, WINDOW_PACKETS_MIN * this.packetBytes);
    this.#threshold = this.#window;
    this.#epochAt = 0;
  }

  #collapse(): void {
    this.#window = WINDOW_PACKETS_MIN * this.packetBytes;
    this.#epochAt = 0;
    this.#undo = undefined;
  }
}
