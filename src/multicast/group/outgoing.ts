/** What this member says: messages wait, are cut, signed and paced; the reliable keep them to send again. */
import type { Primitives } from "../../backend/port.ts";
import { BATCH_PIECES_MAX, type Piece } from "../../wire/group-frames.ts";
import type { Missing } from "../../wire/group-records.ts";
import type { Speaker } from "../hub.ts";
import { Outbox } from "./outbox.ts";
import { cutPiece, GROUP_PACKET_BYTES, PIECE_BYTES, pieceCount } from "./partial-message.ts";
import { GroupRate } from "./rate.ts";
import { Repairs } from "./repairs.ts";
import { type SigningContext, signPieces } from "./signing.ts";
import { SendWindow } from "./window.ts";

/** What may wait to be sent before `offer` says no: a burst at any rate, and memory that stays flat. */
const QUEUE_BYTES = 1024 * 1024;
const QUEUE_MESSAGES = 1024;

export interface OutgoingOptions {
  readonly primitives: Primitives;
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly reliable: boolean;
  /** Bytes a second at most. */
  readonly rate: number;
  /** Groups and addresses each packet goes to. */
  readonly targets: () => readonly string[];
  /**
   * Writes pieces to members that get them by their streams. Those of messages below `secret` go to nobody
   * else: others came later, and hold the key in use.
   *
   * @returns bytes written
   */
  readonly feed: (pieces: readonly Piece[], secret: number, now: number) => number;
  /** How long after sending a member may ask for a message, in milliseconds. */
  readonly holdMs: () => number;
}

export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #rate: GroupRate;
  readonly #window = new SendWindow();
  readonly #repairs = new Repairs();
  readonly #outbox = new Outbox();
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** The message being cut. */
  #current: { readonly seq: number; readonly data: Uint8Array; index: number } | undefined;
  #speaker: Speaker | undefined;
  #context: SigningContext | undefined;
  /** Messages below this were said under other keys than those in use. */
  #secret = 0;
  /** Something was sent under the keys in use. */
  usedEpoch = false;
  /** No message may begin: keys are being changed. */
  held = false;
  /** When a message was sent last. */
  sentAt: number = Number.NEGATIVE_INFINITY;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#rate = new GroupRate(options.rate);
  }

  /** Number of the next message to be sent. */
  get next(): number {
    return this.#window.next;
  }

  /** All below this is sent, to its last piece. */
  get sentBelow(): number {
    return this.#current?.seq ?? this.#window.next;
  }

  /** Lowest message that can still be had. */
  get lowest(): number {
    return this.#window.lowest;
  }

  /** Whether messages wait for their turn. */
  get queued(): boolean {
    return this.#waiting.length > 0 || this.#current !== undefined;
  }

  /** Whether nothing at all is under way. */
  get idle(): boolean {
    return this.#outbox.empty && !this.queued;
  }

  /** Whether keys can be changed: no packet of the old ones is half sent. */
  get settled(): boolean {
    return this.#outbox.empty && this.#current === undefined;
  }

  /** Whether too much waits for more to be offered. */
  get full(): boolean {
    return this.#waitingBytes >= QUEUE_BYTES / 2 || this.#waiting.length >= QUEUE_MESSAGES / 2;
  }

  get rate(): number {
    return this.#rate.rate;
  }

  /** @param message - owned by this from here on. @returns false where too much waits */
  offer(message: Uint8Array): boolean {
    const isFull = this.#waitingBytes + message.length > QUEUE_BYTES && this.#waiting.length > 0;
    if (isFull || this.#waiting.length >= QUEUE_MESSAGES) return false;
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
    return true;
  }

  /** Packets go out under these keys from now on. */
  useEpoch(speaker: Speaker, context: SigningContext): void {
    this.#speaker?.remove();
    this.#speaker = speaker;
    this.#context = context;
    this.#secret = this.next;
    this.usedEpoch = false;
  }

  repair(missing: readonly Missing[], now: number): void {
    const sentPieces = (seq: number) => {
      const data = this.#window.get(seq);
      if (data === undefined) return 0;
      return this.#current?.seq === seq ? this.#current.index : pieceCount(data.length);
    };
    this.#repairs.ask(missing, { lowest: this.lowest, next: this.next, sentPieces }, now);
  }

  report(received: number, missed: number): void {
    this.#rate.report(received, missed);
  }

  /** Every member has what lies below `seq`. */
  release(seq: number): void {
    this.#window.release(this.#current === undefined ? seq : Math.min(seq, this.#current.seq));
  }

  run(now: number): void {
    if (this.#speaker === undefined || this.#context === undefined) return;
    while (this.#flush()) {
      const pieces = this.#due(now);
      if (pieces.length === 0) return;
      const fed = this.#options.feed(pieces, this.#secret, now);
      const shown = pieces.filter(({ seq }) => seq >= this.#secret);
      this.#rate.spend(fed + this.#show(shown, this.#speaker, this.#context), now);
    }
  }

  /** Sends to the group. @returns bytes that will leave; as many as once around where nobody listens */
  #show(pieces: readonly Piece[], speaker: Speaker, context: SigningContext): number {
    if (pieces.length === 0) return 0;
    const { primitives, sign, targets } = this.#options;
    const to = targets();
    const frames = signPieces(primitives, sign, context, pieces);
    this.#outbox.add(speaker, frames, to);
    this.usedEpoch = true;
    return frames.reduce((sum, frame) => sum + frame.length, 0) * Math.max(1, to.length);
  }

  nextAt(now: number): number {
    // A full socket calls back by itself.
    if (!this.#outbox.empty) return Number.POSITIVE_INFINITY;
    const at = Math.min(this.#repairs.readyAt, this.#nextMessageAt(now));
    if (at === Number.POSITIVE_INFINITY) return at;
    return Math.max(at, this.#rate.readyAt(this.#wantedBytes(), now));
  }

  close(): void {
    this.#speaker?.remove();
    this.#speaker = undefined;
  }

  /** @returns whether everything left */
  #flush(): boolean {
    for (let flushed = this.#outbox.flush(); !flushed; flushed = this.#outbox.flush()) {
      if (!this.#outbox.skip(this.#options.targets())) return false;
    }
    return true;
  }

  /** Pieces that may leave now: repairs before news, but no member can have all that is sent be repairs. */
  #due(now: number): Piece[] {
    if (this.#rate.readyAt(this.#wantedBytes(), now) > now) return [];
    const affordable = Math.ceil(this.#rate.available(now) / GROUP_PACKET_BYTES);
    const most = Math.min(BATCH_PIECES_MAX, Math.max(1, affordable));
    const pieces: Piece[] = [];
    const isNews = this.#nextMessageAt(now) <= now;
    for (const { seq, index } of this.#repairs.take(isNews ? Math.ceil(most / 2) : most, now)) {
      const data = this.#window.get(seq);
      if (data === undefined) continue;
      pieces.push(cutPiece(seq, data, index));
      this.#window.sentAgain(seq, now);
    }
    while (pieces.length < most && this.#advance(now)) pieces.push(this.#cutNext(now));
    return pieces;
  }

  /** Makes sure that a message is being cut. @returns false where there is none, or none may begin */
  #advance(now: number): boolean {
    if (this.#current !== undefined) return true;
    if (this.#nextMessageAt(now) > now) return false;
    const data = this.#waiting.shift() as Uint8Array;
    this.#waitingBytes -= data.length;
    const seq = this.#options.reliable ? this.#window.add(data, now) : this.#window.skip();
    this.#current = { seq, data, index: 0 };
    return true;
  }

  #cutNext(now: number): Piece {
    this.sentAt = now;
    const current = this.#current as { seq: number; data: Uint8Array; index: number };
    const piece = cutPiece(current.seq, current.data, current.index++);
    if (current.index === piece.count) this.#current = undefined;
    return piece;
  }

  #nextMessageAt(now: number): number {
    if (this.#current !== undefined) return now;
    const [first] = this.#waiting;
    if (first === undefined || this.held) return Number.POSITIVE_INFINITY;
    if (!this.#options.reliable) return now;
    return Math.max(now, this.#window.roomAt(first.length, this.#options.holdMs()));
  }

  /** As much as is worth a burst: a signature for few packets is dear. */
  #wantedBytes(): number {
    const current = this.#current;
    const rest = current === undefined ? 0 : current.data.length - current.index * PIECE_BYTES;
    const wanted = Math.max(GROUP_PACKET_BYTES, rest + (this.held ? 0 : this.#waitingBytes));
    return Math.min(wanted, BATCH_PIECES_MAX * GROUP_PACKET_BYTES);
  }
}
