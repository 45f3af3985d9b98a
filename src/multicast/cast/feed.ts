/** Blocks by unicast, over a receiver's own stream: to who hears no group, catches up, or is one of two. */
import type { BlockSource } from "./block-source.ts";
import type { Geometry } from "./geometry.ts";
import type { Peer } from "./peer.ts";
import { blockRecord, RECORD_HEADER_BYTES } from "./records.ts";
import { POISONED } from "./status-record.ts";

/** Bytes queued in a stream: enough to keep it busy between two turns of the event loop. */
const BACKLOG_MOST = 2 * 1024 * 1024;
/** Blocks handed over in one go. */
const TURN_BLOCKS = 16;

export interface FeedScope {
  /** Everything that is missing, or only what came out wrong. */
  readonly all: boolean;
  /** Runs of blocks of which nothing is there. */
  readonly bulk: boolean;
  /** Blocks from here on are not there yet. */
  readonly end: number;
}

export class Feed {
  wireBytes = 0;
  readonly #geometry: Geometry;
  readonly #source: BlockSource;

  constructor(geometry: Geometry, source: BlockSource) {
    this.#geometry = geometry;
    this.#source = source;
  }

  /** Puts blocks into a peer's stream, as long as it takes them. @returns whether it could go on at once */
  run(peer: Peer, scope: FeedScope): boolean {
    for (let count = 0; count < TURN_BLOCKS; count++) {
      if (peer.link.backlog() >= BACKLOG_MOST) return false;
      const block = this.#next(peer, scope);
      if (block === undefined) return false;
      const bytes = this.#source.get(block);
      if (bytes === undefined) {
        this.#source.want(block);
        return false;
      }
      const record = blockRecord(block, bytes);
      peer.link.send(record);
      peer.covered.add(block, block + 1);
      peer.fedBytes += record.length - RECORD_HEADER_BYTES;
      this.wireBytes += record.length;
    }
    return true;
  }

  /** The lowest block it misses that is not on its way. */
  #next(peer: Peer, { all, bulk, end }: FeedScope): number | undefined {
    const { status } = peer;
    if (status === undefined) return undefined;
    for (const { start, length, missing } of status.runs) {
      const isMeant =
        all || missing === POISONED || (bulk && missing >= this.#geometry.symbolsOf(start));
      if (!isMeant) continue;
      const block = unfed(peer, start, Math.min(start + length, end));
      if (block !== undefined) return block;
    }
    return all ? unfed(peer, status.highest, end) : undefined;
  }
}

/** The first block of a run that is neither fed nor held. */
function unfed({ covered }: Peer, start: number, end: number): number | undefined {
  const index = covered.indexAfter(start);
  const isCovered = index < covered.size && covered.start(index) <= start;
  const block = isCovered ? covered.end(index) : start;
  return block < end ? block : undefined;
}
