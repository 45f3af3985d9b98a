import type { AckSample, CongestionController, CongestionOptions } from "./congestion.ts";
import { RateModel } from "./rate-model.ts";

/** Pacing while the bandwidth is unknown doubles it every round: 4 ln 2 (BBR, draft-ietf-ccwg-bbr section 5.6). */
const STARTUP_GAIN = 2.77;
const DRAIN_GAIN = 1 / STARTUP_GAIN;
const WINDOW_GAIN = 2;
const PROBE_UP_GAIN = 1.25;
const PROBE_DOWN_GAIN = 0.75;
const PROBE_UP_ROUNDS_MAX = 2;
const PROBE_DOWN_ROUNDS_MAX = 2;
/** Round trips of steady sending between two probes for more. */
const CRUISE_ROUNDS = 6;
/** A little below the estimate, so that queues of our own making drain. */
const PACING_MARGIN = 0.99;
const WINDOW_PACKETS_MIN = 4;
/** Room for ACKs that come in lumps: what leaves in so many milliseconds, and so many packets. */
const LUMP_MS = 3;
const LUMP_PACKETS = 12;
const PROBE_RTT_MS = 200;
const PROBE_RTT_GAIN = 0.5;
/** More than this part of a round lost is congestion, not noise. */
const LOSS_TOLERATED = 0.02;
/** So few lost packets prove nothing about the rate of loss. */
const LOSSES_NOTICED = 8;
const CEILING_CUT = 0.7;
/** Before the first sample, the first window leaves over at most this. */
const BLIND_RTT_MS_MAX = 50;
/** Between processes of one machine the delay is that of their schedulers, whatever a sample says. */
const LOOPBACK_RTT_MS = 2;
const LOOPBACK_WINDOW_BYTES_MAX = 8 * 1024 * 1024;

type Mode = "startup" | "drain" | "up" | "down" | "cruise" | "rtt";

/**
 * Rate-based control in the manner of BBRv2: sends at the highest delivery rate seen lately, with
 * about two bandwidth-delay products in flight, less where a round loses more than noise would.
 */
export class Rate implements CongestionController {
  packetBytes: number;
  readonly #model: RateModel = new RateModel();
  readonly #loopback: boolean;
  readonly #initialWindow: number;
  readonly #initialRttMs: number;
  #mode: Mode = "startup";
  #gain: number = STARTUP_GAIN;
  #window: number;
  /** Most in flight before losses rise; Infinity while unknown. */
  #ceiling: number = Infinity;
  #modeAt = 0;
  #modeRound = 0;
  /** Worst inflight of the round under way. */
  #roundInFlight = 0;

  constructor(options: CongestionOptions) {
    this.packetBytes = options.packetBytes;
    this.#loopback = options.loopback;
    this.#initialWindow = options.initialWindow;
    this.#initialRttMs = Math.min(options.initialRttMs, BLIND_RTT_MS_MAX);
    this.#window = options.initialWindow;
  }

  get window(): number {
    return this.#window;
  }

  get bandwidth(): number {
    return this.#model.bandwidth;
  }

  get rate(): number {
    const { bandwidth } = this.#model;
    const blind = (STARTUP_GAIN * this.#initialWindow) / this.#initialRttMs;
    if (bandwidth === 0) return blind;
    const rate = this.#gain * bandwidth * PACING_MARGIN;
    return this.#mode === "startup"
      ? Math.max(rate, (this.#gain * this.#initialWindow) / this.#delayMs())
      : rate;
  }

  onSent(now: number, _bytes: number, inFlightBefore: number): void {
    if (inFlightBefore === 0) this.#model.resume(now);
  }

  onAck(sample: AckSample): void {
    if (sample.persistent) {
      this.#restart();
      return;
    }
    this.#roundInFlight = Math.max(this.#roundInFlight, sample.priorInFlight);
    const roundEnded = this.#model.update(sample);
    if (roundEnded) this.#endRound(sample);
    this.#advance(sample);
    this.#setWindow(sample);
  }

  onSpurious(): void {
    this.#model.forgiveLosses();
  }

  #delayMs(): number {
    const { minRttMs } = this.#model;
    return this.#loopback ? Math.max(minRttMs, LOOPBACK_RTT_MS) : minRttMs;
  }

  /** Bytes that fill the path, times a gain. */
  #product(gain: number): number {
    const { bandwidth } = this.#model;
    return bandwidth === 0 ? this.#initialWindow : gain * bandwidth * this.#delayMs();
  }

  #endRound(sample: AckSample): void {
    const { roundLossRate, roundLostPackets } = this.#model;
    const congested =
      (roundLossRate > LOSS_TOLERATED && roundLostPackets >= LOSSES_NOTICED) ||
      this.#model.roundMarked;
    if (congested && this.#mode === "startup") this.#model.fillPipe();
    if (congested && this.#mode !== "rtt") {
      const cut = CEILING_CUT * Math.min(this.#roundInFlight, this.#ceiling);
      this.#ceiling = Math.max(cut, this.#model.bandwidth * this.#model.minRttMs);
      if (this.#mode === "up") this.#enter("down", PROBE_DOWN_GAIN, sample.now);
    }
    if (!congested && this.#mode === "up") this.#ceiling *= PROBE_UP_GAIN;
    if (this.#ceiling > this.#product(2 * WINDOW_GAIN)) this.#ceiling = Infinity;
    this.#model.startRound(sample);
    this.#roundInFlight = sample.inFlight;
  }

  #advance(sample: AckSample): void {
    const { now } = sample;
    const model = this.#model;
    if (this.#phaseOver(sample)) this.#nextPhase(now);
    const steady = this.#mode === "up" || this.#mode === "down" || this.#mode === "cruise";
    if (steady && model.minRttIsOld(now) && !this.#loopback) {
      model.forgetMinRtt();
      this.#enter("rtt", 1, now);
    }
  }

  #phaseOver({ now, inFlight }: AckSample): boolean {
    const { minRttMs, pipeFull, round } = this.#model;
    const elapsed = now - this.#modeAt;
    switch (this.#mode) {
      case "startup":
        return pipeFull;
      case "drain":
        return inFlight <= this.#product(1);
      case "up":
        return (
          (elapsed > minRttMs && inFlight >= this.#product(PROBE_UP_GAIN)) ||
          round - this.#modeRound > PROBE_UP_ROUNDS_MAX
        );
      case "down":
        return inFlight <= this.#product(1) || elapsed > PROBE_DOWN_ROUNDS_MAX * minRttMs;
      case "cruise":
        return elapsed > CRUISE_ROUNDS * minRttMs;
      case "rtt":
        return elapsed > Math.max(PROBE_RTT_MS, minRttMs);
    }
  }

  #nextPhase(now: number): void {
    if (this.#mode === "rtt") this.#model.keepMinRtt(now);
    if (this.#mode === "startup") this.#enter("drain", DRAIN_GAIN, now);
    else if (this.#mode === "cruise") this.#enter("up", PROBE_UP_GAIN, now);
    else if (this.#mode === "up") this.#enter("down", PROBE_DOWN_GAIN, now);
    else this.#enter("cruise", 1, now);
  }

  #enter(mode: Mode, gain: number, now: number): void {
    this.#mode = mode;
    this.#gain = gain;
    this.#modeAt = now;
    this.#modeRound = this.#model.round;
  }

  #setWindow(sample: AckSample): void {
    const least = WINDOW_PACKETS_MIN * this.packetBytes;
    if (this.#mode === "rtt") {
      this.#window = Math.max(least, Math.min(this.#window, this.#product(PROBE_RTT_GAIN)));
      return;
    }
    const { bandwidth, delayMs } = this.#model;
    const lump = Math.max(LUMP_PACKETS * this.packetBytes, bandwidth * Math.max(LUMP_MS, delayMs));
    const gain = this.#mode === "startup" ? STARTUP_GAIN : WINDOW_GAIN;
    let target = this.#product(gain) + lump;
    if (this.#loopback)
      target = Math.min(Math.max(target, this.#initialWindow), LOOPBACK_WINDOW_BYTES_MAX);
    target = Math.min(target, this.#ceiling);
    const grown = this.#window + sample.ackedBytes;
    if (this.#model.pipeFull) this.#window = Math.max(least, Math.min(grown, target));
    else
      this.#window = Math.max(this.#window, Math.min(grown, Math.max(target, this.#initialWindow)));
  }

  /** The path died and came back: what was known of it is worth nothing. */
  #restart(): void {
    this.#model.reset();
    this.#ceiling = Infinity;
    this.#enter("startup", STARTUP_GAIN, 0);
    this.#window = WINDOW_PACKETS_MIN * this.packetBytes;
  }
}
