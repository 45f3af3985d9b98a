/** How far behind the highest packet number a packet may still be accepted. */
export const REPLAY_WINDOW_PACKETS = 65_472;

const WORD_BITS = 32;
/** A ring of 65,536 bits, of which the word being cleared is never looked at. */
const MOST_WORDS = 2_048;
const FIRST_WORDS = 32;

/**
 * Packet numbers accepted on one slot: a ring of bits (RFC 6479) that starts at 128 bytes and doubles
 * while packet numbers outgrow it, so that a thousand idle sessions stay small.
 */
export class ReplayWindow {
  #words = new Uint32Array(FIRST_WORDS);
  #highest = -1;

  /** To be asked before a packet is opened. @returns false for a packet seen before or too old */
  isFresh(packet: number): boolean {
    if (packet > this.#highest) return true;
    if (this.#highest - packet >= REPLAY_WINDOW_PACKETS) return false;
    const word = this.#words[wordOf(packet) % this.#words.length] as number;
    return (word & bitOf(packet)) === 0;
  }

  /** To be told once a fresh packet proved authentic. */
  accept(packet: number): void {
    if (packet > this.#highest) this.#advance(packet);
    const at = wordOf(packet) % this.#words.length;
    this.#words[at] = (this.#words[at] as number) | bitOf(packet);
  }

  /** -1 before the first. */
  get highest(): number {
    return this.#highest;
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  #advance(packet: number): void {
    this.#growTo(wordOf(packet) + 1);
    const from = wordOf(this.#highest) + 1;
    const to = wordOf(packet);
    if (to - from >= this.#words.length) this.#words.fill(0);
    else for (let word = from; word <= to; word++) this.#words[word % this.#words.length] = 0;
    this.#highest = packet;
  }

  /** Below its full size the ring has never wrapped, so growing is copying. */
  #growTo(wordsNeeded: number): void {
    let words = this.#words.length;
    while (words < wordsNeeded && words < MOST_WORDS) words *= 2;
    if (words === this.#words.length) return;
    const grown = new Uint32Array(words);
    grown.set(this.#words);
    this.#words = grown;
  }
}

/** Packet numbers have 48 bits, more than `>>` can shift; -1 is before the first. */
function wordOf(packet: number): number {
  return Math.floor(packet / WORD_BITS);
}

function bitOf(packet: number): number {
  return 1 << (packet % WORD_BITS);
}
