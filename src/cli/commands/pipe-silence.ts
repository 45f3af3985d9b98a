/** Tells people that the other end of a pipe does not answer, and when it does again: a pipe has no line of progress. */
import type { SessionStats } from "../../index.ts";
import { formatSeconds } from "../text.ts";

/** A shorter pause is not worth a word; it is said again after twice as long. */
const SILENT_MS = 5000;
const LOOK_MS = 1000;

export class PipeSilence {
  readonly #note: (text: string) => void;
  #heard = -1;
  /** When the peer was last heard, or had nothing to answer. */
  #since = 0;
  #nextMs = SILENT_MS;

  constructor(note: (text: string) => void) {
    this.#note = note;
  }

  look(stats: Pick<SessionStats, "packetsReceived" | "inFlightBytes">, nowMs: number): void {
    const { packetsReceived, inFlightBytes } = stats;
    const silentMs = nowMs - this.#since;
    if (packetsReceived === this.#heard && inFlightBytes > 0) {
      if (silentMs < this.#nextMs) return;
      this.#note(`no answer for ${formatSeconds(silentMs / 1000)}; still trying`);
      this.#nextMs *= 2;
      return;
    }
    if (this.#nextMs > SILENT_MS) this.#note(`the peer answers again`);
    this.#nextMs = SILENT_MS;
    this.#heard = packetsReceived;
    this.#since = nowMs;
  }
}

/** @returns a function that ends it */
export function tellSilence(
  stats: () => Pick<SessionStats, "packetsReceived" | "inFlightBytes">,
  note: (text: string) => void,
  now: () => number,
): () => void {
  const silence = new PipeSilence(note);
  const timer = setInterval(() => silence.look(stats(), now()), LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
