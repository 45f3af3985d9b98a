/** Tells the sender what is written, and what of its stream was taken, not more often than needed. */
import type { Channel } from "./channel.ts";
import { confirmRecord } from "./records.ts";
import type { Tally } from "./tally.ts";

/** Taken bytes free the sender's buffers, which hold 64 times as much. */
const TAKEN_BYTES = 1024 * 1024;

export class Confirming {
  readonly #channel: Channel;
  readonly #tally: Tally;
  #confirmed = 0;
  #toldConfirmed = 0;
  #toldTaken = 0;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(channel: Channel, tally: Tally) {
    this.#channel = channel;
    this.#tally = tally;
    channel.onChunk = () => this.#soon();
  }

  /** Bytes are written and verified, or need not be sent. */
  add(bytes: number): void {
    this.#confirmed += bytes;
    this.#tally.confirm(this.#confirmed);
    this.#soon();
  }

  /** A unit that counted comes again. */
  takeBack(bytes: number): void {
    this.#confirmed -= bytes;
    this.#tally.resentUnit(bytes);
  }

  now(): void {
    this.#toldConfirmed = this.#confirmed;
    this.#toldTaken = this.#channel.parser.taken;
    this.#channel.put(confirmRecord(this.#toldConfirmed, this.#toldTaken));
  }

  #soon(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      const taken = this.#channel.parser.taken - this.#toldTaken;
      if (taken >= TAKEN_BYTES || this.#confirmed > this.#toldConfirmed) this.now();
    });
  }
}
