import { RangeSet } from "../base/ranges.ts";
import type { BlockPool } from "./block-pool.ts";
import { type Held, SendBuffer } from "./send-buffer.ts";

/** The sending side of a stream: what was written, sent, lost and acknowledged, as ranges. */
export class SendHalf {
  readonly id: number;
  /** 0 goes first. */
  readonly priority: number;
  readonly buffer: SendBuffer;
  /** Bytes the peer lets us send in all. */
  limit: number;
  /** Bytes sent at least once. */
  sentTo = 0;
  /** The program has written all it will. */
  finished = false;
  /** Set by a reset: nothing is sent or repeated any more. */
  resetCode: number | undefined;
  resetAcked = false;
  /** Whether the scheduler has it in a queue. */
  queued = false;
  /** A write was cut short, so the program waits for a `writable`. */
  wantsRoom = false;
  #finSent = false;
  #finAcked = false;
  readonly #acked = new RangeSet();
  readonly #toRepeat = new RangeSet();

  constructor(id: number, priority: number, limit: number, pool: BlockPool, held: Held) {
    this.id = id;
    this.priority = priority;
    this.limit = limit;
    this.buffer = new SendBuffer(pool, held);
  }

  /** All bytes before this one are acknowledged. */
  get ackedTo(): number {
    return this.#acked.size > 0 && this.#acked.start(0) === 0 ? this.#acked.end(0) : 0;
  }

  /** Bytes held for sending or repeating. */
  get buffered(): number {
    return this.buffer.end - this.ackedTo;
  }

  /** Whether all bytes and the end are acknowledged. */
  get delivered(): boolean {
    return this.#finAcked && this.ackedTo === this.buffer.end;
  }

  get repeats(): boolean {
    return this.#toRepeat.size > 0;
  }

  /** Bytes that could leave now, connection credit apart; a bare end counts as one. */
  get sendable(): number {
    if (this.resetCode !== undefined) return 0;
    const fresh = Math.max(0, Math.min(this.buffer.end, this.limit) - this.sentTo);
    const bytes = this.#toRepeat.total + fresh;
    return bytes === 0 && this.#finDue() ? 1 : bytes;
  }

  /** Whether something could leave now, given room in the connection's credit. */
  canSend(connectionRoom: number): boolean {
    if (this.resetCode !== undefined) return false;
    if (this.#toRepeat.size > 0 || this.#finDue()) return true;
    return connectionRoom > 0 && this.sentTo < Math.min(this.buffer.end, this.limit);
  }

  #finDue(): boolean {
    return this.finished && !this.#finSent && this.sentTo === this.buffer.end;
  }

  /** First byte of what goes next: the lowest lost one, else the first never sent. */
  nextOffset(): number {
    return this.#toRepeat.size > 0 ? this.#toRepeat.start(0) : this.sentTo;
  }

  /** Contiguous bytes from `nextOffset` on, at most `most` (0 for a bare end). */
  nextLength(most: number, connectionRoom: number): number {
    if (this.#toRepeat.size > 0) {
      const start = this.#toRepeat.start(0);
      return Math.min(most, this.#toRepeat.end(0) - start, this.buffer.contiguous(start));
    }
    const fresh = Math.min(this.buffer.end, this.limit) - this.sentTo;
    if (fresh <= 0) return 0;
    return Math.min(most, fresh, connectionRoom, this.buffer.contiguous(this.sentTo));
  }

  /** Counts [offset, offset + length) as sent. @returns whether the end of the stream goes with it */
  take(offset: number, length: number): boolean {
    this.#toRepeat.remove(offset, offset + length);
    this.sentTo = Math.max(this.sentTo, offset + length);
    const fin = this.finished && offset + length === this.buffer.end;
    if (fin) this.#finSent = true;
    return fin;
  }

  /** The range did not leave after all. @returns bytes that count as never sent again */
  giveBack(offset: number, length: number, fin: boolean, fresh: boolean): number {
    if (fin) this.#finSent = this.#finAcked;
    if (fresh && offset + length === this.sentTo) {
      this.sentTo = offset;
      return length;
    }
    this.#repeat(offset, offset + length);
    return 0;
  }

  lost(offset: number, length: number, fin: boolean): void {
    if (this.resetCode !== undefined) return;
    if (fin && !this.#finAcked) this.#finSent = false;
    this.#repeat(offset, offset + length);
  }

  /** @returns how many bytes were not acknowledged before */
  acked(offset: number, length: number, fin: boolean): number {
    if (fin) {
      this.#finAcked = true;
      this.#finSent = true;
    }
    const added = this.#acked.add(offset, offset + length);
    if (this.#toRepeat.size > 0) this.#toRepeat.remove(offset, offset + length);
    if (added > 0 && this.resetCode === undefined) this.buffer.release(this.ackedTo);
    return added;
  }

  /** Ends the stream early. Its final size is `sentTo`. */
  reset(code: number): void {
    this.resetCode = code;
    this.#toRepeat.clear();
    this.buffer.clear();
  }

  /** Marks what is not acknowledged of a range for sending again. */
  #repeat(start: number, end: number): void {
    const from = Math.max(start, this.ackedTo);
    if (from >= end) return;
    this.#toRepeat.add(from, end);
    let index = this.#acked.indexAfter(from);
    for (; index < this.#acked.size && this.#acked.start(index) < end; index++)
      this.#toRepeat.remove(this.#acked.start(index), this.#acked.end(index));
  }
}
