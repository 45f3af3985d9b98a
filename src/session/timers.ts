import { CLOSE_CODE } from "./close-codes.ts";
import type { RehandshakeReason } from "./contract.ts";
import type { Delivery } from "./delivery.ts";
import type { Outbox } from "./outbox.ts";
import { DRAIN_PTOS, type PathState, SILENCE_MS_MIN } from "./path-state.ts";
import type { Recovery } from "./recovery.ts";
import type { SessionState } from "./session-state.ts";
import { Silence } from "./silence.ts";

const KEEP_ALIVE_MS = 15_000;
/** A stream that was flowing and brings nothing for so long may have been cut off. */
const CUT_OFF_MS = 1000;
/** A wish for new keys is repeated, should the endpoint's attempt come to nothing. */
const REHANDSHAKE_AGAIN_MS = 5_000;
const REHANDSHAKE_AGAIN_MS_MAX = 60_000;
const PROBE_PACKETS = 2;
/** A peer that answered the handshake and says nothing under its keys died between the two. */
const UNHEARD_MS = 30_000;

/** Everything that happens because time passes. */
export class Timers {
  readonly #state: SessionState;
  readonly #recovery: Recovery;
  readonly #delivery: Delivery;
  readonly #outbox: Outbox;
  readonly #silence: Silence;
  /** When a wish for new keys may be said (again). */
  #rehandshakeAt: number = -Infinity;
  #rehandshakeWaitMs: number = REHANDSHAKE_AGAIN_MS;
  /** Packets that had come when it was said last. */
  #heardBefore = -1;

  constructor(state: SessionState, recovery: Recovery, delivery: Delivery, outbox: Outbox) {
    this.#state = state;
    this.#recovery = recovery;
    this.#delivery = delivery;
    this.#outbox = outbox;
    this.#silence = new Silence(state);
  }

  /** New keys came, so the peer is there: probes start afresh. */
  rekeyed(now: number): void {
    this.#state.lastReceivedAt = now;
    const path = this.#state.paths.active;
    if (path !== undefined) path.ptoCount = 0;
  }

  /** A burst left: keys in use are renewed before they must be. */
  used(now: number): void {
    this.#state.lastSentAt = now;
    const { generations } = this.#state;
    const reason = generations.rekeyReason(generations.sending(now), now);
    if (reason !== undefined && reason !== "expired") this.#rehandshake(reason, now);
  }

  run(now: number): void {
    if (this.#state.closing === undefined) this.#live(now);
    else this.#drain(now);
  }

  #live(now: number): void {
    const { generations, paths } = this.#state;
    const path = paths.active;
    if (path !== undefined) {
      if (path.lossAt <= now) this.#recovery.onTime(path, now);
      if (path.ptoAt <= now) this.#probe(path, now);
      for (const { generation } of generations.retire(now, path.drainMs, this.#recovery))
        this.#state.emit({ kind: "retired", generation });
    }
    for (const dead of paths.dead(now)) this.#recovery.abandon(dead);
    if (this.#idleAt() <= now) {
      this.#state.end(CLOSE_CODE.IDLE, "no contact", "idle", now);
      return;
    }
    this.#silence.run(now);
    if (this.#keepAliveAt() <= now) {
      this.#state.flowedAt = -Infinity;
      this.#state.control.ping();
    }
    if (this.#silenceAt() <= now) this.#rehandshake("silence", now);
    if (this.#lacksKeys(now)) this.#rehandshake("expired", now);
  }

  /** When `run` or the outbox has something to do next, should nothing come in. */
  next(now: number): number {
    const { closing, generations, paths } = this.#state;
    const speaks = generations.sending(now) !== undefined;
    if (closing !== undefined) {
      if (generations.newest === undefined) return Infinity;
      return speaks ? Math.min(closing.drainedAt, closing.sayAt) : closing.drainedAt;
    }
    let at = Math.min(
      this.#idleAt(),
      this.#keepAliveAt(),
      this.#silence.at,
      Math.max(this.#silenceAt(), this.#heardSince() ? -Infinity : this.#rehandshakeAt),
      paths.nextAt,
      this.#outbox.paceAt,
    );
    if (this.#lacksKeys(now)) at = Math.min(at, this.#rehandshakeAt);
    const path = paths.active;
    if (path === undefined) return at;
    at = Math.min(at, path.lossAt, path.ptoAt, generations.retireAt(path.drainMs));
    if (speaks) for (const keys of generations.all) at = Math.min(at, keys.acks.dueAt, keys.pingAt);
    return at;
  }

  #drain(now: number): void {
    const { closing, generations } = this.#state;
    if (closing === undefined || closing.drainedAt > now) return;
    for (const { generation } of generations.clear())
      this.#state.emit({ kind: "retired", generation });
  }

  /** RFC 9002 section 6.2: nothing is taken for lost, the oldest packet's content goes again. */
  #probe(path: PathState, now: number): void {
    path.ptoCount++;
    path.askedAt = now;
    path.probes = PROBE_PACKETS;
    const oldest = this.#recovery.oldest(path);
    if (oldest !== undefined) this.#delivery.probe(oldest);
    if (!this.#outbox.wants) this.#state.control.ping();
  }

  /** There is something to send, and no key that may still be used or may yet be confirmed. */
  #lacksKeys(now: number): boolean {
    const { generations } = this.#state;
    if (
      !generations.had ||
      generations.all.some((each) => each.usable(now) && each.leftAt === undefined)
    )
      return false;
    return this.#outbox.wants || (this.#state.paths.active?.inFlight ?? 0) > 0;
  }

  #rehandshake(reason: RehandshakeReason, now: number): void {
    if (this.#heardSince()) this.#rehandshakeWaitMs = REHANDSHAKE_AGAIN_MS;
    if (now < this.#rehandshakeAt && !(reason === "silence" && this.#heardSince())) return;
    this.#heardBefore = this.#state.counters.packetsReceived;
    this.#rehandshakeAt = now + this.#rehandshakeWaitMs;
    this.#rehandshakeWaitMs = Math.min(2 * this.#rehandshakeWaitMs, REHANDSHAKE_AGAIN_MS_MAX);
    this.#state.emit({ kind: "rehandshake", reason });
  }

  /** New silence, not the same one: handshakes alone do not end it, or they would follow each other. */
  #heardSince(): boolean {
    return this.#state.counters.packetsReceived > this.#heardBefore;
  }

  #idleAt(): number {
    const { counters, idleSeconds, lastReceivedAt } = this.#state;
    const ms = idleSeconds === 0 ? Infinity : idleSeconds * 1000;
    return lastReceivedAt + (counters.packetsReceived === 0 ? Math.min(ms, UNHEARD_MS) : ms);
  }

  #keepAliveAt(): number {
    const { config, control, generations, lastReceivedAt, lastSentAt, streams } = this.#state;
    const wait = config.keepAliveMs ?? KEEP_ALIVE_MS;
    if (wait === 0 || streams.count === 0 || control.pending || !generations.had) return Infinity;
    return Math.min(Math.max(lastReceivedAt, lastSentAt) + wait, this.#cutOffAt());
  }

  /**
   * When to ask why a stream stopped in its flow: only what leaves from here makes a NAT that forgot us
   * let the peer's packets in again, and whoever only reads sends nothing of its own accord.
   */
  #cutOffAt(): number {
    const { flowedAt, lastReceivedAt, paths } = this.#state;
    if (flowedAt < lastReceivedAt) return Infinity;
    return flowedAt + Math.max(CUT_OFF_MS, paths.active?.silenceMs ?? 0);
  }

  /** WIRE 7: when nothing authenticated came while something is outstanding. */
  #silenceAt(): number {
    const path = this.#state.paths.active;
    if (path === undefined) return Infinity;
    return this.#state.owedSince + Math.max(SILENCE_MS_MIN, DRAIN_PTOS * path.rtt.ptoMs);
  }
}
