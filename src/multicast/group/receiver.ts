/**
 * Messages of one sender as this member gets them. Unreliable: each as soon as it is whole, numbers only
 * rising. Reliable: every message in order; what is missing is asked for until it comes or the sender keeps
 * it no longer.
 */
import type { Piece } from "../../wire/group-frames.ts";
import { type Missing, NACK_ENTRIES_MAX } from "../../wire/group-records.ts";
import { PartialMessage } from "./partial-message.ts";

/** What a sender keeps, and so what is worth waiting for. */
export const WINDOW_MESSAGES = 1024;
export const WINDOW_BYTES: number = 16 * 1024 * 1024;
/** Unfinished messages kept of an unreliable sender: more than a network reorders. */
const UNRELIABLE_PARTIALS = 8;
const MESSAGES_IN_ENTRY_MAX = 65_535;

/** Bytes of unfinished and undelivered messages, over all senders of a group. */
export interface Budget {
  bytes: number;
  readonly most: number;
}

export type Verdict = "wanted" | "duplicate" | "full";

export interface ReceiverOptions {
  readonly reliable: boolean;
  /** Number of the first message that is ours. */
  readonly start: number;
  readonly budget: Budget;
  /** @param lost - messages missed since the one delivered last */
  readonly deliver: (seq: number, lost: number, data: Uint8Array) => void;
}

export class Receiver {
  readonly #options: ReceiverOptions;
  /** Messages at or above `#next`; in reliable mode whole ones wait here for those before them. */
  readonly #held = new Map<number, PartialMessage>();
  /** Bytes in them: its share of the budget is what a sender that keeps to the rules can have to send again. */
  #bytes = 0;
  /** First message not delivered and not given up. */
  #next: number;
  /** Behind the message delivered last. */
  #after: number;
  /** Newest piece that came, in the sender's order. */
  #topSeq = -1;
  #topIndex = -1;
  /** The sender has sent all below this. */
  #head: number;
  /** Pieces taken, and pieces missed as far as they are known, ever: what the sender's rate follows. */
  received = 0;
  missed = 0;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#next = options.start;
    this.#after = options.start;
    this.#head = options.start;
  }

  get next(): number {
    return this.#next;
  }

  /** Whether something that was sent is missing here. */
  get incomplete(): boolean {
    if (!this.#options.reliable) return false;
    if (this.#next < Math.max(this.#head, this.#topSeq)) return true;
    const message = this.#held.get(this.#next);
    return message !== undefined && message.missing(this.#topIndex).length > 0;
  }

  /** Cheap, before a signature is verified: a piece that nobody waits for is not worth it. */
  judge({ seq, index }: Piece): Verdict {
    if (seq < this.#next || this.#held.get(seq)?.has(index)) return "duplicate";
    const { bytes, most } = this.#options.budget;
    const isFull = bytes >= most || this.#bytes >= WINDOW_BYTES;
    return isFull && seq !== this.#next ? "full" : "wanted";
  }

  /** A piece its sender signed. @returns false where it contradicts itself */
  take(piece: Piece): boolean {
    const { seq, index, count } = piece;
    if (this.#options.reliable && seq >= this.#next + WINDOW_MESSAGES)
      this.#skipTo(seq - WINDOW_MESSAGES + 1);
    const message = this.#held.get(seq) ?? new PartialMessage(count);
    const before = message.bytes;
    if (!message.add(piece)) return false;
    this.#held.set(seq, message);
    this.#keep(message.bytes - before);
    this.received++;
    if (seq > this.#topSeq) this.#topIndex = -1;
    if (seq >= this.#topSeq) {
      this.#topSeq = seq;
      this.#topIndex = Math.max(this.#topIndex, index);
    }
    if (this.#options.reliable) this.#deliverInOrder();
    else this.#deliverNewest(seq, message);
    return true;
  }

  /** The sender says that it has sent all below `seq`. */
  head(seq: number): void {
    this.#head = Math.max(this.#head, seq);
  }

  /** The sender keeps nothing below `seq`. */
  gone(seq: number): void {
    if (seq > this.#next) this.#skipTo(seq);
    this.#deliverInOrder();
  }

  /** What to ask the sender for, lowest first. */
  missing(): readonly Missing[] {
    const entries: Missing[] = [];
    const whole = (start: number, end: number) => {
      const messages = Math.min(end - start, MESSAGES_IN_ENTRY_MAX);
      if (messages > 0) entries.push({ seq: start, messages, pieces: new Uint8Array(0) });
    };
    let at = this.#next;
    for (const seq of [...this.#held.keys()].sort((left, right) => left - right)) {
      whole(at, seq);
      at = seq + 1;
      const pieces = this.#missingOf(seq);
      if (pieces.length > 0) entries.push({ seq, messages: 1, pieces });
    }
    whole(at, Math.max(this.#head, at));
    return entries.slice(0, NACK_ENTRIES_MAX);
  }

  /** Nothing of this sender is waited for any more. */
  close(): void {
    this.#keep(-this.#bytes);
    this.#held.clear();
  }

  #missingOf(seq: number): Uint8Array {
    const message = this.#held.get(seq) as PartialMessage;
    const isNewest = seq === this.#topSeq && seq >= this.#head;
    return message.missing(isNewest ? this.#topIndex : message.count);
  }

  #deliverInOrder(): void {
    for (let message = this.#held.get(this.#next); message?.complete; ) {
      this.#deliver(this.#next, message);
      this.#next++;
      message = this.#held.get(this.#next);
    }
  }

  #deliverNewest(seq: number, message: PartialMessage): void {
    if (message.complete) {
      this.#deliver(seq, message);
      this.#forgetBelow(seq + 1);
      this.#next = seq + 1;
    }
    if (this.#held.size <= UNRELIABLE_PARTIALS) return;
    this.#forgetBelow(Math.min(...this.#held.keys()) + 1);
  }

  /** Gives up what is missing below `seq`; what is whole there is delivered. */
  #skipTo(seq: number): void {
    const whole = [...this.#held].filter(([each, message]) => each < seq && message.complete);
    whole.sort(([left], [right]) => left - right);
    for (const [each, message] of whole) this.#deliver(each, message);
    this.#forgetBelow(seq);
    this.#next = seq;
  }

  #deliver(seq: number, message: PartialMessage): void {
    this.#held.delete(seq);
    this.#keep(-message.bytes);
    const lost = seq - this.#after;
    this.#after = seq + 1;
    this.missed += lost;
    this.#options.deliver(seq, lost, message.join());
  }

  #keep(bytes: number): void {
    this.#bytes += bytes;
    this.#options.budget.bytes += bytes;
  }

  #forgetBelow(seq: number): void {
    for (const [each, message] of this.#held) {
      if (each >= seq) continue;
      this.#keep(-message.bytes);
      this.#held.delete(each);
    }
  }
}
