/**
 * Where the packets of a cast come from. Every member has its key, so a forged symbol cannot be pinned on
 * anybody; but it has a source address and an interface (WIRE item 23). A block that came out wrong is
 * kept until the sender has sent it by unicast: then it shows which symbols were made up. From the first
 * forgery on only sources count that have shown to be the sender's.
 */
import { StrangeChecks } from "../strange-checks.ts";
import type { ForgedSymbols } from "./contract.ts";

interface Source {
  readonly name: string;
  readonly address: string;
  readonly interfaceName: string;
  good: number;
  forged: number;
  /** Not used, for want of proof. */
  unproven: number;
  /** Some of its symbols may be in blocks under way. */
  isUsed: boolean;
}

/** Numbers fit a byte, and 0 is nobody; those after the last share it. */
const SOURCES_MOST = 255;
/** One forged symbol outweighs so many good ones: a cheat may pass on what the sender sent. */
const FORGED_WEIGHT = 64;

export class SourceBook {
  readonly #sources: Source[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #checks = new StrangeChecks();
  /** Somebody makes up packets. */
  #isWary = false;
  /** Packets of sources that made room for others. */
  #forgotten = 0;
  #last = "";
  #lastInterface = "";
  #lastNumber = 0;

  /** @returns 1 to 255 */
  number(address: string, interfaceName: string): number {
    if (address === this.#last && interfaceName === this.#lastInterface) return this.#lastNumber;
    const name = `${address} ${interfaceName}`;
    const number = this.#numbers.get(name) ?? this.#add(name, address, interfaceName);
    this.#last = address;
    this.#lastInterface = interfaceName;
    this.#lastNumber = number;
    return number;
  }

  /** @returns whether symbols of this source may be used; those that may not are counted */
  admits(number: number, symbols: number): boolean {
    const source = this.#sources[number - 1] as Source;
    if (isCheat(source)) source.forged += symbols;
    else if (this.#isWary && source.good === 0) source.unproven += symbols;
    else {
      source.isUsed = true;
      return true;
    }
    return false;
  }

  /** It sent what only the sender can have made, and nothing to the contrary. */
  isProven(number: number): boolean {
    const source = this.#sources[number - 1] as Source;
    return source.good > 0 && !isCheat(source);
  }

  /**
   * Whether a signature that this source sent is worth the time it takes to verify.
   *
   * @param address - where it came from: the last number is shared
   */
  mayCheck(number: number, address: string, now: number): boolean {
    if (this.isProven(number) || this.#checks.take(address, now)) return true;
    (this.#sources[number - 1] as Source).unproven++;
    return false;
  }

  /** A packet turned out to be what the sender sent, or not. */
  judge(number: number, packets: number, isGood: boolean): void {
    const source = this.#sources[number - 1];
    if (source === undefined) return;
    if (isGood) source.good += packets;
    else {
      source.forged += packets;
      this.#isWary = true;
    }
  }

  /** A block came out right. @param from - number of the source of each symbol, 0 where none came */
  praise(from: Uint8Array): void {
    for (let at = 0; at < from.length; ) {
      const number = from[at] as number;
      const first = at;
      do at++;
      while (from[at] === number);
      if (number > 0) this.judge(number, at - first, true);
    }
  }

  /** Who sent what the sender did not. Of sources that never showed to be the sender's, all they sent. */
  forged(): readonly ForgedSymbols[] {
    if (!this.#isWary) return [];
    return this.#sources
      .map((source) => ({
        source: source.address,
        interface: source.interfaceName,
        symbols: source.forged + (source.good === 0 ? source.unproven : 0),
      }))
      .concat({ source: "others", interface: "", symbols: this.#forgotten })
      .filter(({ symbols }) => symbols > 0);
  }

  #add(name: string, address: string, interfaceName: string): number {
    const isFull = this.#sources.length === SOURCES_MOST;
    const spare = isFull
      ? this.#sources.findLastIndex(({ isUsed, good }) => !isUsed && good === 0)
      : -1;
    if (isFull && spare < 0) return SOURCES_MOST;
    const counts = { good: 0, forged: 0, unproven: 0, isUsed: false };
    const source = { name, address, interfaceName, ...counts };
    const index = isFull ? spare : this.#sources.length;
    const before = this.#sources[index];
    this.#numbers.delete(before?.name ?? "");
    this.#forgotten += before === undefined ? 0 : before.forged + before.unproven;
    this.#sources[index] = source;
    this.#numbers.set(name, index + 1);
    return index + 1;
  }
}

function isCheat({ good, forged }: Source): boolean {
  return forged * FORGED_WEIGHT > good;
}
