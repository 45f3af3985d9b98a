/** Receivers that are away: from when on nothing is held up for them, and until when they may come back. */
import type { Absence } from "./contract.ts";
import type { Peer } from "./peer.ts";

/** Nobody waits for a receiver that says nothing for so long. */
export const SILENT_MS = 10_000;
/** It is lost after so long: what is live goes on without it, files can wait for a network that comes back. */
export const LOST_MS = { live: 15_000, files: 60_000 } as const;
/** Where nobody has everything, whoever was interrupted may come back: as long as one that was killed. */
const INTERRUPTED_MS = 60_000;

/** @returns for how long one that was interrupted is waited for; 0 for any other */
export function returnMs({ isInterrupted, finishedAt }: Peer, now: number): number {
  return isInterrupted ? Math.max(0, finishedAt + INTERRUPTED_MS - now) : 0;
}

/** @param isAbandoned - nobody else gets on or has everything, so those that were interrupted are waited for */
export function absenceOf(
  peer: Peer,
  now: number,
  { silentMs, lostMs, isAbandoned }: { silentMs: number; lostMs: number; isAbandoned: boolean },
): Absence | undefined {
  const isSilent = peer.isLive && peer.isSilent;
  const ms = isSilent ? silentMs : now - peer.finishedAt;
  const interruptedMs = isAbandoned ? returnMs(peer, now) : 0;
  const leftMs = isSilent ? lostMs - ms : interruptedMs;
  return leftMs > 0 ? { seconds: ms / 1000, leftSeconds: leftMs / 1000 } : undefined;
}
