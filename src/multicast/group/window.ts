/** Messages a reliable sender keeps to send again. */
import { WINDOW_BYTES, WINDOW_MESSAGES } from "./receiver.ts";

interface Kept {
  readonly data: Uint8Array;
  readonly firstAt: number;
  /** When it was sent, or sent again. */
  sentAt: number;
}

/** A message is not kept for being sent again beyond this: a member that asks for ever must not stop the rest. */
const AGAIN_MOST_MS = 2000;

export class SendWindow {
  /** By number, ascending without gaps. */
  readonly #kept = new Map<number, Kept>();
  #lowest = 0;
  #next = 0;
  #bytes = 0;

  /** Number of the next message. */
  get next(): number {
    return this.#next;
  }

  /** Lowest number that is kept, or `next`. */
  get lowest(): number {
    return this.#lowest;
  }

  /**
   * Whether a message of this length can be kept without pushing one out that members may still ask for.
   *
   * @param holdMs - how long after it was sent a message may be asked for
   */
  hasRoom(bytes: number, now: number, holdMs: number): boolean {
    return this.roomAt(bytes, holdMs) <= now;
  }

  /** When there is room for a message of this length. */
  roomAt(bytes: number, holdMs: number): number {
    let count = this.#kept.size + 1;
    let held = this.#bytes + bytes;
    let at = Number.NEGATIVE_INFINITY;
    for (const { data, sentAt } of this.#kept.values()) {
      if (count <= WINDOW_MESSAGES && held <= WINDOW_BYTES) break;
      at = Math.max(at, sentAt + holdMs);
      count--;
      held -= data.length;
    }
    return at;
  }

  /** @param data - owned by the window from here on. @returns its number */
  add(data: Uint8Array, now: number): number {
    const seq = this.#next++;
    this.#kept.set(seq, { data, firstAt: now, sentAt: now });
    this.#bytes += data.length;
    while (this.#kept.size > WINDOW_MESSAGES || this.#bytes > WINDOW_BYTES) this.#drop();
    return seq;
  }

  /** A number is used for a message that is not kept. */
  skip(): number {
    this.#lowest = ++this.#next;
    return this.#next - 1;
  }

  get(seq: number): Uint8Array | undefined {
    return this.#kept.get(seq)?.data;
  }

  sentAgain(seq: number, now: number): void {
    const kept = this.#kept.get(seq);
    if (kept !== undefined) kept.sentAt = Math.min(now, kept.firstAt + AGAIN_MOST_MS);
  }

  /** Every member has what lies below `seq`. */
  release(seq: number): void {
    while (this.#kept.size > 0 && this.#lowest < seq) this.#drop();
  }

  #drop(): void {
    this.#bytes -= this.#kept.get(this.#lowest)?.data.length ?? 0;
    this.#kept.delete(this.#lowest++);
  }
}
