/** From what a receiver reports to what is sent again to the groups. */
import type { Geometry } from "./geometry.ts";
import type { Peer } from "./peer.ts";
import { MISSING_HASH, type MissingRun, POISONED } from "./status-record.ts";
import type { Transmitter } from "./transmitter.ts";

/**
 * @param isBulkUnicast - blocks of which nothing is there go by unicast: few receivers miss any
 */
export function noteWishes(
  peer: Peer,
  transmitter: Transmitter,
  geometry: Geometry,
  isBulkUnicast: boolean,
  now: number,
): void {
  for (const run of peer.status?.runs ?? []) {
    const { start, missing } = run;
    if (missing === POISONED) continue;
    const isWhole = missing >= geometry.symbolsOf(start);
    if (missing === MISSING_HASH) askHashes(run, transmitter);
    else if (!isWhole || !isBulkUnicast) askSymbols(peer, run, transmitter, now);
  }
}

function askHashes({ start, length }: MissingRun, transmitter: Transmitter): void {
  const end = Math.min(start + length, transmitter.block);
  for (let block = start; block < end; block++) transmitter.askHash(block);
}

/** What was sent before a receiver came waits until everything was sent once. */
function askSymbols(peer: Peer, run: MissingRun, transmitter: Transmitter, now: number): void {
  const first = transmitter.isDone ? run.start : Math.max(run.start, peer.firstBlock);
  const end = Math.min(run.start + run.length, transmitter.block);
  const { channel, largest, rttMs } = peer;
  for (let block = first; block < end; block++) {
    if (peer.have.has(block) || peer.fed.has(block)) continue;
    transmitter.repairs.want(block, run.missing, channel, largest, now, rttMs);
  }
}
