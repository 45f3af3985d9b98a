/** When a cast begins: enough receivers are in, and each hears a group or says that it hears none. */
import type { CastOptions } from "./contract.ts";
import type { Peer } from "./peer.ts";

/** Receivers on their way in are waited for a moment. */
const ENTERING_MS = 200;

export class StartGate {
  readonly #options: CastOptions;
  readonly #openedAt: number;
  #enoughAt: number | undefined;

  constructor(options: CastOptions, openedAt: number) {
    this.#options = options;
    this.#openedAt = openedAt;
  }

  /** @returns "none" where the time is over and nobody came */
  verdict(now: number, peers: readonly Peer[]): "wait" | "start" | "none" {
    const { minReceivers = 1, waitMs = Infinity } = this.#options;
    const isLate = now - this.#openedAt >= waitMs;
    const present = peers.filter(({ outcome }) => outcome === undefined);
    if (isLate && present.length === 0) return "none";
    const live = present.filter(({ ready }) => ready);
    const settled = live.filter(isSettled).length;
    if (settled === 0 || settled < live.length) return "wait";
    if (!isLate && settled < minReceivers) return "wait";
    this.#enoughAt ??= now;
    const isEntering = live.length < present.length;
    return isEntering && now - this.#enoughAt < ENTERING_MS ? "wait" : "start";
  }
}

/** It said whether it hears us. */
export function isSettled({ status }: Peer): boolean {
  return status !== undefined && (status.deaf || status.heard !== 0);
}
