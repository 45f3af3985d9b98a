/** When a cast begins: enough receivers are in, and each hears a group or says that it hears none. */
import { toHex } from "../../base/bytes.ts";
import type { CastOptions } from "./contract.ts";
import type { Peer } from "./peer.ts";

/** Receivers on their way in are waited for a moment. */
const ENTERING_MS = 200;
/** Whoever says for so long neither that it hears us nor that it does not is not waited for. */
const SETTLING_MS = 2000;

export class StartGate {
  readonly #options: CastOptions;
  readonly #openedAt: number;
  #enoughAt: number | undefined;

  constructor(options: CastOptions, openedAt: number) {
    this.#options = options;
    this.#openedAt = openedAt;
  }

  /**
   * Whoever declines, or has everything already, came as well: nobody waits for one more in their place.
   * Where all declined, somebody may still come.
   *
   * @returns "none" where the time is over and nobody came
   */
  verdict(now: number, peers: readonly Peer[]): "wait" | "start" | "none" {
    const { minReceivers = 1, waitMs = Infinity } = this.#options;
    const isLate = now - this.#openedAt >= waitMs;
    const present = peers.filter(({ outcome }) => outcome === undefined);
    const answered = peers.filter((peer) => isSettled(peer) || hasAnswered(peer));
    if (isLate && present.length === 0 && answered.length === 0) return "none";
    const live = present.filter(({ ready }) => ready);
    if (answered.length === 0) return "wait";
    const isServing = answered.some(({ outcome }) => outcome !== "declined");
    if (!isLate && (!isServing || distinct(answered) < minReceivers)) return "wait";
    this.#enoughAt ??= now;
    const waitedMs = now - this.#enoughAt;
    if (!live.every(isSettled)) return waitedMs < SETTLING_MS ? "wait" : "start";
    const isEntering = live.length < present.length;
    return isEntering && waitedMs < ENTERING_MS ? "wait" : "start";
  }
}

/** It said whether it hears us. */
export function isSettled({ status, outcome }: Peer): boolean {
  return outcome === undefined && status !== undefined && (status.deaf || status.heard !== 0);
}

function hasAnswered({ outcome }: Peer): boolean {
  return outcome === "declined" || outcome === "complete";
}

/** One that comes again counts once. */
function distinct(peers: readonly Peer[]): number {
  return new Set(peers.map(({ key }) => toHex(key))).size;
}
