/** One group on one interface: joined or not, when it was last heard, when something is to be done. */
import { Mp2pError } from "../base/errors.ts";

export interface MembershipPort {
  /** As `DatagramSocket.join`. @throws {Mp2pError} where the interface or the system refuses */
  join(group: string, source?: string): number;
  leave(membership: number): void;
}

/** Switches without a querier forget a member 260 s after its last report (2 * 125 + 10, RFC 3376 section 8). */
const REFRESH_MS = 125_000;
const FIRST_RETRY_MS = 5000;
const LAST_RETRY_MS = 300_000;
/** A source-specific join that hears nothing for so long: some switch on the way lacks IGMPv3 or MLDv2. */
const SOURCE_SILENCE_MS = 2000;
const REJOIN_MS = 30_000;
/** Traffic is noted once in so long. */
const QUIET_MS = 500;

export class Seat {
  /** `"[ff12::8000:1%eth0]:6727"`. */
  readonly address: string;
  readonly interfaceName: string;
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
  #heardAt = 0;
  #rejoinedAt = Number.NEGATIVE_INFINITY;
  #retryMs = FIRST_RETRY_MS;

  constructor(
    port: MembershipPort,
    address: string,
    interfaceName: string,
    source: string | undefined,
  ) {
    this.#port = port;
    this.address = address;
    this.interfaceName = interfaceName;
    this.#source = source;
  }

  join(now: number): void {
    this.#heardAt = now;
    try {
      this.number = this.#port.join(this.address, this.#source);
      this.refusal = undefined;
      this.#retryMs = FIRST_RETRY_MS;
      this.dueAt = now + (this.#source === undefined ? REFRESH_MS : SOURCE_SILENCE_MS);
    } catch (error) {
      if (!(error instanceof Mp2pError)) throw error;
      if (this.#source !== undefined) {
        this.#forgetSource(now);
        return;
      }
      this.refusal = error;
      this.dueAt = now + this.#retryMs;
      this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
    }
  }

  leave(): void {
    this.dueAt = Number.POSITIVE_INFINITY;
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

  /** The kernel sends no report for a membership it has, so staying a member takes leaving. */
  rejoin(now: number): void {
    this.leave();
    this.join(now);
  }

  isQuiet(now: number): boolean {
    return this.isSecondChoice || now - this.#heardAt > QUIET_MS;
  }

  heard(now: number): void {
    this.#heardAt = now;
    this.isSecondChoice = false;
  }

  silent(now: number): void {
    if (this.number === 0 || now - this.#rejoinedAt < REJOIN_MS) return;
    this.isSecondChoice = this.#heardAt <= this.#rejoinedAt;
    this.#rejoinedAt = now;
    this.rejoin(now);
  }

  /** @returns whether it sent reports */
  run(now: number): boolean {
    if (this.number === 0) {
      this.join(now);
      return this.number !== 0;
    }
    const isSourced = this.#source !== undefined;
    const quietAt = this.#heardAt + (isSourced ? SOURCE_SILENCE_MS : REFRESH_MS);
    if (now < quietAt) {
      this.dueAt = quietAt;
      return false;
    }
    if (isSourced) this.#forgetSource(now);
    else this.rejoin(now);
    return true;
  }

  #forgetSource(now: number): void {
    this.#source = undefined;
    this.rejoin(now);
  }
}
