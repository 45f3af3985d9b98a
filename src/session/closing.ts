import { ascii } from "../base/bytes.ts";
import { CLOSE_TEXT_BYTES_MAX } from "../wire/frames.ts";
import { DRAIN_PTOS, type PathState } from "./path-state.ts";

const DRAIN_MS_MAX = 10_000;
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

  /** @param speaks - whether the peer is told at all */
  constructor(
    code: number,
    text: string,
    by: "peer" | "local" | "idle" | "protocol",
    speaks: boolean,
    path: PathState | undefined,
    now: number,
  ) {
    this.by = by;
    this.code = code;
    this.text = ascii(text.replace(/[^\x20-\x7e]/g, "?").slice(0, CLOSE_TEXT_BYTES_MAX));
    this.#ptoMs = path?.rtt.ptoMs ?? 0;
    this.drainedAt = now + (speaks ? Math.min(DRAIN_PTOS * this.#ptoMs, DRAIN_MS_MAX) : 0);
    this.#sayAt = speaks ? now : Infinity;
    // The peer's CLOSE is answered by one of ours, which stops its repeats.
    if (by === "peer") this.#said = SAID_UNASKED - 1;
  }

  get sayAt(): number {
    return this.#sayAt;
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
    this.#sayAt = Infinity;
    this.#said = SAID_UNASKED;
  }
}
