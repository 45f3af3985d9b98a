/** One group on one interface: joined or not, when it was last heard, when something is to be done. */
import { Mp2pError } from "../base/errors.ts";

export interface MembershipPort {
  /** As `DatagramSocket.join`. @throws {Mp2pError} where the interface or the system refuses */
  join(group: string, source?: string): number;
  leave(membership: number): void;
}

/**
 * How long a group is left for when switches are to hear of us anew. The kernel reports nothing while
 * another endpoint on this machine stays in, so all of them leave at the same time of the wall clock.
 */
const AWAY_MS = 250;
const FIRST_RETRY_MS = 5000;
const LAST_RETRY_MS = 60_000;
/** A source-specific join that hears nothing for so long: some switch on the way lacks IGMPv3 or MLDv2. */
const SOURCE_SILENCE_MS = 2000;
const REJOIN_MS = 30_000;
/** Traffic is noted once in so long. */
const QUIET_MS = 500;
/** What was sent to a group came back by now, or does not. */
const ECHO_MS = 500;

export interface SeatPlace {
  /** `"[ff12::8000:1%eth0]:6727"`. */
  readonly address: string;
  readonly interfaceName: string;
  readonly source: string | undefined;
  /** When it is to be reported anew, if nothing is heard until then. */
  readonly refreshAt: (now: number) => number;
  /** Heard within so long: whoever is on the way knows of us. */
  readonly believedMs: number;
}

export class Seat {
  readonly place: SeatPlace;
  /** The membership's number; 0 while not joined. */
  number = 0;
  /** Why the last attempt to join failed. */
  refusal: Mp2pError | undefined;
  /** Left and joined for silence, and still nothing was heard: other interfaces go first. */
  isSecondChoice = false;
  /** When `run` has something to do. */
  dueAt: number = Number.POSITIVE_INFINITY;
  readonly #port: MembershipPort;
  #source: string | undefined;
  /** Left for a moment, to be reported anew. */
  #isAway = false;
  #joinedAt = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  #rejoinedAt = Number.NEGATIVE_INFINITY;
  #retryMs = FIRST_RETRY_MS;
  /** When it was first sent to; Infinity as long as it was not, and once anything came by it. */
  #echoSinceMs = Number.POSITIVE_INFINITY;
  #isProved = false;

  constructor(port: MembershipPort, place: SeatPlace) {
    this.#port = port;
    this.place = place;
    this.#source = place.source;
  }

  /** Joined, but for moments. */
  get isTaken(): boolean {
    return this.number !== 0 || this.#isAway;
  }

  join(now: number): void {
    this.#isAway = false;
    try {
      this.number = this.#port.join(this.place.address, this.#source);
    } catch (error) {
      if (!(error instanceof Mp2pError)) throw error;
      this.#refused(error, now);
      return;
    }
    this.refusal = undefined;
    this.#retryMs = FIRST_RETRY_MS;
    this.#joinedAt = now;
    this.dueAt = this.#nextAt(now);
  }

  leave(): void {
    this.dueAt = Number.POSITIVE_INFINITY;
    this.#isAway = false;
    if (this.number === 0) return;
    const number = this.number;
    this.number = 0;
    try {
      this.#port.leave(number);
    } catch (error) {
      // The interface may be gone, and its memberships with it.
      if (!(error instanceof Mp2pError)) throw error;
    }
  }

  isQuiet(now: number): boolean {
    return this.isSecondChoice || now - this.#heardAt > QUIET_MS;
  }

  /** From another machine. */
  heard(now: number): void {
    this.#heardAt = now;
    this.isSecondChoice = false;
    this.echoed();
  }

  /** What this machine sent came back. */
  echoed(): void {
    this.#isProved = true;
    this.#echoSinceMs = Number.POSITIVE_INFINITY;
  }

  sent(now: number): void {
    if (!this.#isProved) this.#echoSinceMs = Math.min(this.#echoSinceMs, now);
  }

  /** Joined and sent to, and not even that came back: something on this machine eats it. */
  isDeaf(now: number): boolean {
    return this.isTaken && now - this.#echoSinceMs >= ECHO_MS;
  }

  silent(now: number): void {
    if (this.number === 0 || now - this.#rejoinedAt < REJOIN_MS) return;
    const wasTried = this.#rejoinedAt !== Number.NEGATIVE_INFINITY;
    this.isSecondChoice = wasTried && this.#heardAt <= this.#rejoinedAt;
    this.#rejoinedAt = now;
    this.#rejoin(now);
  }

  run(now: number): void {
    if (this.number === 0) this.join(now);
    else if (this.#source !== undefined) this.#watchSource(now);
    else if (now - this.#heardAt < this.place.believedMs) this.dueAt = this.#nextAt(now);
    else {
      this.leave();
      this.#isAway = true;
      this.dueAt = now + AWAY_MS;
    }
  }

  #nextAt(now: number): number {
    if (this.#source === undefined) return this.place.refreshAt(now);
    return Math.max(this.#heardAt, this.#joinedAt) + SOURCE_SILENCE_MS;
  }

  #watchSource(now: number): void {
    if (now < this.#nextAt(now)) this.dueAt = this.#nextAt(now);
    else {
      this.#source = undefined;
      this.#rejoin(now);
    }
  }

  /** The kernel sends no report for a membership it has, so staying a member takes leaving. */
  #rejoin(now: number): void {
    this.leave();
    this.join(now);
  }

  #refused(error: Mp2pError, now: number): void {
    if (this.#source !== undefined) {
      this.#source = undefined;
      this.join(now);
      return;
    }
    this.refusal = error;
    this.dueAt = now + this.#retryMs;
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }
}
