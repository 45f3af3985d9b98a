/** From what a receiver reports to what is sent again to the groups. */
import { BLOCK_SYMBOLS } from "../../backend/port.ts";
import type { Geometry } from "./geometry.ts";
import type { Peer } from "./peer.ts";
import { MISSING_HASH, type MissingRun, POISONED } from "./status-record.ts";
import type { Transmitter } from "./transmitter.ts";

/** Blocks of one report that are looked at; those behind have their turn when these are repaired. */
const BLOCKS_MOST = 1024;
/** Reports that follow closer say nothing new of what is missing. */
const LEAST_MS = 1;
/** Others gather for no longer, whatever round trip a receiver claims. */
const GATHER_MOST_MS = 100;
/**
 * Symbols that one receiver may have sent again to all, of those that were sent, besides what was sent
 * before it came, and at the start of a cast, which finds the rate by losses. Whoever wants more gets it
 * by its own stream, at nobody else's expense.
 */
const WISHES_OF_SENT = 0.5;
const WISHES_AT_FIRST = 1 << 15;
/** A page of hashes is signed anew: it costs the sender as much as so many symbols. */
const PAGE_SYMBOLS = 16;

/**
 * @param isBulkUnicast - blocks of which nothing is there go by unicast: few receivers miss any
 * @returns false where the receiver wants more than a share of what is sent
 */
export function noteWishes(
  peer: Peer,
  transmitter: Transmitter,
  geometry: Geometry,
  isBulkUnicast: boolean,
  now: number,
): boolean {
  if (now - peer.wishedAt < LEAST_MS) return true;
  peer.wishedAt = now;
  let left = BLOCKS_MOST;
  for (const run of peer.status?.runs ?? []) {
    const { start, missing } = run;
    if (missing === POISONED) continue;
    const isWhole = missing >= geometry.symbolsOf(start);
    if (missing === MISSING_HASH) left -= askHashes(peer, run, transmitter, left);
    else if (!isWhole || !isBulkUnicast) left -= askSymbols(peer, run, transmitter, now, left);
    if (left <= 0) break;
  }
  const before = peer.firstBlock * BLOCK_SYMBOLS;
  const sent = (transmitter.block - peer.firstBlock) * BLOCK_SYMBOLS + transmitter.repairs.symbols;
  return peer.wishes <= WISHES_AT_FIRST + WISHES_OF_SENT * sent + 2 * before;
}

/** @returns blocks looked at */
function askHashes(peer: Peer, run: MissingRun, transmitter: Transmitter, most: number): number {
  const { start, length } = run;
  const end = Math.min(start + length, start + most, transmitter.block);
  for (let block = start; block < end; block++) {
    if (transmitter.askHash(block)) peer.wishes += PAGE_SYMBOLS;
  }
  return Math.max(0, end - start);
}

/** What was sent before a receiver came waits until everything was sent once. */
function askSymbols(
  peer: Peer,
  run: MissingRun,
  transmitter: Transmitter,
  now: number,
  most: number,
): number {
  const first = transmitter.isDone ? run.start : Math.max(run.start, peer.firstBlock);
  const end = Math.min(run.start + run.length, first + most, transmitter.block);
  const { channel, largest } = peer;
  const missing = Math.min(run.missing, BLOCK_SYMBOLS);
  const gatherMs = Math.min(peer.rttMs, GATHER_MOST_MS);
  for (let block = first; block < end; block++) {
    if (peer.covered.has(block)) continue;
    peer.wishes += transmitter.repairs.want(block, missing, channel, largest, now, gatherMs);
  }
  return Math.max(0, end - first);
}
