/** Pieces that members ask for, gathered for a moment so that one sending answers all who miss them. */
import type { Missing } from "../../wire/group-records.ts";

/** Long enough to hear the others, short beside a round trip over anything but one switch. */
const GATHER_MS = 2;
const REQUESTS_MAX = 4096;
/** A piece is sent again no sooner than this after it was, whoever asks: the answer is on its way. */
const HOLDOFF_MS = 10;
const HOLDOFFS_KEPT_MS = 1000;
const HOLDOFFS_MAX = 8192;

export interface PieceName {
  readonly seq: number;
  readonly index: number;
}

/** What can be sent again: message numbers, and how many pieces of each were sent yet. */
export interface KeptMessages {
  readonly lowest: number;
  readonly next: number;
  sentPieces(seq: number): number;
}

export class Repairs {
  readonly #wanted = new Map<string, PieceName>();
  readonly #sentAt = new Map<string, number>();
  #readyAt = Number.POSITIVE_INFINITY;

  ask(missing: readonly Missing[], kept: KeptMessages, now: number): void {
    let left = REQUESTS_MAX;
    for (const { seq, messages, pieces } of missing) {
      const end = Math.min(seq + messages, kept.next);
      for (let each = Math.max(seq, kept.lowest); each < end; each++) {
        const sent = kept.sentPieces(each);
        for (let index = 0; index < sent; index++) {
          if (this.#wanted.size >= REQUESTS_MAX || left-- === 0) return;
          if (isAsked(pieces, index)) this.#want({ seq: each, index }, now);
        }
      }
    }
  }

  /** When the pieces asked for may be taken. */
  get readyAt(): number {
    return this.#wanted.size > 0 ? this.#readyAt : Number.POSITIVE_INFINITY;
  }

  /** Up to `most` pieces that are due; they count as sent. */
  take(most: number, now: number): PieceName[] {
    if (now < this.readyAt) return [];
    const taken: PieceName[] = [];
    for (const [name, piece] of this.#wanted) {
      if (taken.length === most) break;
      this.#wanted.delete(name);
      this.#sentAt.set(name, now);
      taken.push(piece);
    }
    this.#forget(now);
    return taken;
  }

  #want(piece: PieceName, now: number): void {
    const name = `${piece.seq}.${piece.index}`;
    const sentAt = this.#sentAt.get(name);
    if (sentAt !== undefined && now - sentAt < HOLDOFF_MS) return;
    if (this.#wanted.size === 0) this.#readyAt = now + GATHER_MS;
    this.#wanted.set(name, piece);
  }

  #forget(now: number): void {
    for (const [name, sentAt] of this.#sentAt) {
      if (this.#sentAt.size <= HOLDOFFS_MAX && now - sentAt < HOLDOFFS_KEPT_MS) return;
      this.#sentAt.delete(name);
    }
  }
}

function isAsked(pieces: Uint8Array, index: number): boolean {
  return pieces.length === 0 || (((pieces[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}
