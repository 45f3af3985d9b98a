import { ascii } from "../base/bytes.ts";
import { CLOSE_TEXT_BYTES_MAX } from "../wire/frames.ts";
import { DRAIN_PTOS, type PathState } from "./path-state.ts";

const DRAIN_MS_MAX = 10_000;
/** A peer that was answered shows the keys within a round trip, or once its busy machine has a turn for it. */
const SHOWN_MS = 2000;
/** CLOSE is said this often unasked, a PTO apart, as it is not acknowledged. */
const SAID_UNASKED = DRAIN_PTOS;

/** The last words of a session: CLOSE, again where it seems not to have been heard, then silence. */
export class Closing {
  readonly by: "peer" | "local" | "idle" | "protocol";
  readonly code: number;
  readonly text: Uint8Array;
  readonly drainedAt: number;
  readonly #ptoMs: number;
  #sayAt: number;
  #said = 0;
  #heard = 0;
  #isKnown = false;

  /** @param tells - whether the peer is told: never, at once, or not before it shows that it has the keys */
  constructor(
    code: number,
    text: string,
    by: "peer" | "local" | "idle" | "protocol",
    tells: "never" | "now" | "shown",
    path: PathState | undefined,
    now: number,
  ) {
    const speaks = tells !== "never";
    this.by = by;
    this.code = code;
    this.text = ascii(text.replace(/[^\x20-\x7e]/g, "?").slice(0, CLOSE_TEXT_BYTES_MAX));
    this.#ptoMs = path?.rtt.ptoMs ?? 0;
    const drainMs = Math.max(DRAIN_PTOS * this.#ptoMs, tells === "shown" ? SHOWN_MS : 0);
    this.drainedAt = now + (speaks ? Math.min(drainMs, DRAIN_MS_MAX) : 0);
    this.#sayAt = speaks ? now : Infinity;
    // The peer's CLOSE is answered by one of ours, which stops its repeats.
    if (by === "peer") {
      this.#said = SAID_UNASKED - 1;
      this.#isKnown = true;
    }
  }

  get sayAt(): number {
    return this.#sayAt;
  }

  /** Whether the peer knows, and was told so where it spoke first: nothing is left that it would wait for. */
  get isSettled(): boolean {
    return this.#isKnown && this.#sayAt === Infinity;
  }

  said(now: number): void {
    this.#said++;
    this.#sayAt = this.#said < SAID_UNASKED ? now + this.#ptoMs : Infinity;
  }

  /** Another packet came: the first, second, fourth, eighth … is answered. */
  heard(now: number): void {
    this.#heard++;
    if ((this.#heard & (this.#heard - 1)) === 0) this.#sayAt = now;
  }

  /** The peer knows. */
  answered(): void {
    this.#isKnown = true;
    this.#sayAt = Infinity;
    this.#said = SAID_UNASKED;
  }
}
