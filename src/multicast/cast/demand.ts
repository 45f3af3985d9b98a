/** Which blocks are still wanted: what everybody has is neither sent nor kept, what of a live content somebody lacks stays. */
import type { Audience } from "./audience.ts";
import { type BlockSource, CACHE_BYTES } from "./block-source.ts";
import type { Geometry } from "./geometry.ts";
import { HoldUps } from "./hold-ups.ts";
import type { Peer } from "./peer.ts";

/** Receivers that miss whole blocks get them by unicast while they are no more than this. */
const UNICAST_MOST = 2;

export class Demand {
  readonly #audience: Audience;
  readonly #geometry: Geometry;
  readonly #source: BlockSource;
  /** Blocks of a live content that stay for those who miss them. */
  readonly #kept: number;
  readonly #holdUps = new HoldUps();

  constructor(audience: Audience, geometry: Geometry, source: BlockSource) {
    this.#audience = audience;
    this.#geometry = geometry;
    this.#source = source;
    this.#kept = Math.floor(CACHE_BYTES / geometry.blockBytes / 2);
  }

  /** Whether everybody who listens holds this block from before, or gets it by its stream. */
  skips(block: number): boolean {
    for (const peer of this.#audience.peers) if (peer.held.size > 0) this.#audience.match(peer);
    const hearers = this.#audience.hearers();
    return hearers.length > 0 && hearers.every(({ covered }) => covered.has(block));
  }

  /**
   * Up to where a live content may be sent: it is not read again, so its oldest part stays until everybody
   * has it.
   *
   * @param block - the next to be sent
   */
  readableTo(block: number): number {
    const next = this.#audience.live().map((peer) => peer.next);
    this.#source.ahead(block);
    return Math.min(this.#source.hashed, Math.min(...next, this.#source.hashed) + this.#kept);
  }

  /** @param block - the next to be sent. @returns receivers of a live content for whom it waits in vain */
  tooSlow(block: number, now: number): Peer[] {
    if (!this.#geometry.isLive) return [];
    const isHeldUp = block < this.#source.hashed;
    return this.#holdUps.turn(
      this.#audience.live(),
      isHeldUp ? block - this.#kept : undefined,
      now,
    );
  }

  /** Whether whole blocks that are missing after all was sent go by unicast. */
  isFewBulk(): boolean {
    return this.#audience.bulk().length <= UNICAST_MOST;
  }

  /**
   * Lets go what everybody has.
   *
   * @param block - the next to be sent: until then it stays, whoever holds it from before
   * @returns blocks below are nobody's need, where that is news
   */
  settle(block: number): number | undefined {
    const live = this.#audience.live();
    const next = Math.min(block, ...live.map((peer) => peer.next));
    if (live.length === 0 || next <= this.#source.settled) return undefined;
    this.#source.settled = next;
    return next;
  }
}
