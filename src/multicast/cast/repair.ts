/**
 * What receivers miss, block by block, as counts: the most that any of them misses is sent as fresh
 * parity, which heals everybody's different losses at once (RFC 5740's idea).
 */
import { BLOCK_SYMBOLS, PARITY_SYMBOLS } from "../../backend/port.ts";

const SYMBOLS = BLOCK_SYMBOLS + PARITY_SYMBOLS;
/** Time for the others to say what they miss, at least. */
const GATHER_MS = 2;
/** More than this missing is cheaper to send than to compute. */
const PARITY_WORTH = 64;

interface Wanted {
  need: number;
  readonly dueAt: number;
  /** All source symbols are being sent: the next one. */
  readonly pass?: number;
}

/** The repair of a block that was sent last. */
interface Sent {
  /** The next symbol of the circle 128..191, 0..127. */
  readonly cursor: number;
  /** By channel: the packet number behind it. */
  readonly ends: ReadonlyMap<number, number>;
  readonly count: number;
}

/** Symbols of one block to be sent in a row. */
export interface Repair {
  readonly block: number;
  readonly first: number;
  readonly count: number;
  /** Source symbols of the block. */
  readonly of: number;
}

export class RepairQueue {
  /** Symbols sent again, and parity sent in advance. */
  symbols = 0;
  readonly #wanted = new Map<number, Wanted>();
  readonly #sent = new Map<number, Sent>();

  get size(): number {
    return this.#wanted.size;
  }

  /** When the next one is due; Infinity for never. */
  nextAt(): number {
    for (const { dueAt } of this.#wanted.values()) return dueAt;
    return Infinity;
  }

  /**
   * A receiver misses symbols of a block.
   *
   * @param largest - the highest packet number it had heard on `channel` when it said so: what was sent
   * later may have come since
   * @returns symbols that are to be sent for it and were not for others
   */
  want(
    block: number,
    missing: number,
    channel: number,
    largest: number,
    now: number,
    rttMs: number,
  ): number {
    const sent = this.#sent.get(block);
    const isOnItsWay = sent !== undefined && (sent.ends.get(channel) ?? 0) > largest + 1;
    const need = missing - (isOnItsWay ? sent.count : 0);
    if (need <= 0) return 0;
    const wanted = this.#wanted.get(block);
    if (wanted === undefined) {
      this.#wanted.set(block, { need, dueAt: now + Math.max(GATHER_MS, rttMs) });
      return need;
    }
    const more = Math.max(0, need - wanted.need);
    wanted.need += more;
    return more;
  }

  /** Blocks whose repair is due, earliest first. */
  *due(now: number): Generator<{ readonly block: number; readonly need: number }> {
    for (const [block, { need, dueAt }] of this.#wanted) {
      if (dueAt > now) return;
      yield { block, need };
    }
  }

  /** @returns what to send of a block so that everybody has enough. @param sources - its source symbols */
  runs(block: number, need: number, sources: number): Repair[] {
    const pass = this.#wanted.get(block)?.pass ?? (need > PARITY_WORTH ? 0 : undefined);
    if (pass !== undefined) return [{ block, first: pass, count: sources - pass, of: sources }];
    const runs: Repair[] = [];
    let cursor = this.#sent.get(block)?.cursor ?? BLOCK_SYMBOLS;
    for (let left = need; left > 0; ) {
      const isParity = cursor >= BLOCK_SYMBOLS;
      const count = Math.min(left, (isParity ? SYMBOLS : sources) - cursor);
      if (count > 0) runs.push({ block, first: cursor, count, of: sources });
      left -= Math.max(0, count);
      cursor = left === 0 ? cursor + count : isParity ? 0 : BLOCK_SYMBOLS;
    }
    return runs;
  }

  /**
   * Symbols of a block have left, for what was wanted or in advance.
   *
   * @param runs - in the order of leaving. @param ends - by channel, the next packet number
   */
  sent(runs: readonly Repair[], ends: Iterable<readonly [number, number]>, now: number): void {
    const last = runs.at(-1);
    if (last === undefined) return;
    const { block } = last;
    const count = runs.reduce((sum, run) => sum + run.count, 0);
    this.symbols += count;
    const wanted = this.#wanted.get(block);
    const before = this.#sent.get(block);
    this.#wanted.delete(block);
    const end = last.first + last.count;
    const isPass =
      wanted !== undefined && (wanted.pass !== undefined || wanted.need > PARITY_WORTH);
    const rest = (wanted?.need ?? 0) - count;
    // Room for a part only: the rest is due at once.
    if (isPass && end < last.of) this.#wanted.set(block, { need: rest, dueAt: now, pass: end });
    else if (!isPass && rest > 0) this.#wanted.set(block, { need: rest, dueAt: now });
    const cursor = isPass ? (before?.cursor ?? BLOCK_SYMBOLS) : end === SYMBOLS ? 0 : end;
    const isGoingOn = wanted?.pass !== undefined;
    const total = count + (isGoingOn ? (before?.count ?? 0) : 0);
    this.#sent.set(block, { cursor, ends: new Map(ends), count: total });
  }

  /** Blocks below are nobody's need any more. */
  forget(block: number): void {
    for (const known of this.#sent.keys()) if (known < block) this.#sent.delete(known);
    for (const known of this.#wanted.keys()) if (known < block) this.#wanted.delete(known);
  }
}
