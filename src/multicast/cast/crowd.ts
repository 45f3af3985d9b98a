/** The receivers of a cast as a list: bounded, and nobody in it can keep the cast from ending. */
import { nameOf } from "../../base/bytes.ts";
import { returnMs } from "./absence.ts";
import type { Peer } from "./peer.ts";

/** Who came, gone or not: a line of the report each. */
const PEERS_MOST = 1 << 14;
/** Of one key at once: processes of one user on one machine. */
const PER_KEY_MOST = 4;
/** Hashes of blocks that receivers hold from before, of all together: some 200 MB. */
const HELD_MOST = 1 << 20;
/** All others are done: whoever gets on no more is waited for so long. */
const LAGGING_MS = 60_000;
/** Whoever has every block puts files in place: a million of them take minutes. */
const PLACING_MS = 600_000;

export class Crowd {
  #peers: Peer[] = [];
  readonly #present = new Set<Peer>();
  readonly #byKey = new Map<string, Peer[]>();

  /** In the order of coming. */
  get peers(): readonly Peer[] {
    return this.#peers;
  }

  has(peer: Peer): boolean {
    return this.#present.has(peer);
  }

  /** Its key has as many places as it may: the oldest one that is to make room. */
  replacedBy({ key }: Peer): Peer | undefined {
    const live = this.#ofKey(key).filter(({ outcome }) => outcome === undefined);
    return live.length < PER_KEY_MOST ? undefined : live[0];
  }

  /** Whether somebody of its key came after it, as one does that was killed and runs again. */
  isFollowed(peer: Peer): boolean {
    return this.#ofKey(peer.key).at(-1) !== peer;
  }

  /** @returns false where there is no room */
  add(peer: Peer): boolean {
    // Who came anew has one line in the report, so those that ended before need not be kept.
    for (const before of this.#ofKey(peer.key)) if (hasGone(before)) this.#remove(before);
    // Keys cost nothing: those that came and went take no place from who comes.
    const gone = this.#peers.length < PEERS_MOST ? undefined : this.#peers.find(hasGone);
    if (gone !== undefined) this.#remove(gone);
    if (this.#peers.length >= PEERS_MOST) return false;
    this.#peers.push(peer);
    this.#present.add(peer);
    this.#byKey.set(nameOf(peer.key), [...this.#ofKey(peer.key), peer]);
    return true;
  }

  /** Nobody gets on, and nobody has everything: those that were interrupted may come back. */
  get isAbandoned(): boolean {
    return this.#peers.every(hasGone);
  }

  /** How many more hashes of held blocks may be kept. */
  get heldRoom(): number {
    return Math.max(0, HELD_MOST - this.#peers.reduce((sum, { held }) => sum + held.size, 0));
  }

  /** Nobody is left to wait for. */
  isOver(now: number): boolean {
    if (this.#peers.some(({ outcome }) => outcome === undefined)) return false;
    return !this.isAbandoned || this.#peers.every((peer) => returnMs(peer, now) === 0);
  }

  /** All others have everything or are gone, and these have not got on for long: not entered, or nothing written. */
  laggards(now: number): Peer[] {
    const waiting = this.#peers.filter(({ outcome }) => outcome === undefined);
    const lagging = waiting.filter(
      ({ progressAt, hasAll }) => now - progressAt >= (hasAll ? PLACING_MS : LAGGING_MS),
    );
    if (lagging.length === 0 || lagging.length < waiting.length) return [];
    const lastAt = Math.max(...this.#peers.map(({ finishedAt }) => finishedAt));
    const isAnyThrough = this.#peers.some(
      ({ outcome, hasAll }) => outcome === "complete" || hasAll,
    );
    return isAnyThrough && now - lastAt >= LAGGING_MS ? lagging : [];
  }

  #ofKey(key: Uint8Array): readonly Peer[] {
    return this.#byKey.get(nameOf(key)) ?? [];
  }

  #remove(peer: Peer): void {
    const name = nameOf(peer.key);
    this.#present.delete(peer);
    this.#peers = this.#peers.filter((each) => each !== peer);
    const others = this.#ofKey(peer.key).filter((each) => each !== peer);
    if (others.length === 0) this.#byKey.delete(name);
    else this.#byKey.set(name, others);
  }
}

/** It takes no further part, and has not got everything. */
function hasGone({ outcome }: Peer): boolean {
  return outcome !== undefined && outcome !== "complete";
}
