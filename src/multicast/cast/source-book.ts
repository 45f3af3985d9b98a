/**
 * Where symbols come from. Every member of a cast has its key, so a forged symbol cannot be pinned on
 * anybody; but it has a source address and an interface (WIRE item 23). A block that came out wrong is
 * kept until the sender has sent it by unicast: then it shows which symbols were made up.
 */
import type { ForgedSymbols } from "./contract.ts";

interface Source {
  readonly address: string;
  readonly interfaceName: string;
  good: number;
  forged: number;
}

/** Numbers fit a byte, and 0 is nobody; those after the 254th share the last one. */
const SOURCES_MOST = 255;
/** One forged symbol outweighs so many good ones: a cheat may pass on what the sender sent. */
const FORGED_WEIGHT = 64;

export class SourceBook {
  readonly #sources: Source[] = [];
  readonly #numbers = new Map<string, number>();
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
    if (source.forged * FORGED_WEIGHT <= source.good) return true;
    source.forged += symbols;
    return false;
  }

  /** A symbol turned out to be what the sender sent, or not. */
  judge(number: number, symbols: number, isGood: boolean): void {
    const source = this.#sources[number - 1];
    if (source === undefined) return;
    if (isGood) source.good += symbols;
    else source.forged += symbols;
  }

  forged(): readonly ForgedSymbols[] {
    return this.#sources
      .filter(({ forged }) => forged > 0)
      .map(({ address, interfaceName, forged }) => ({
        source: address,
        interface: interfaceName,
        symbols: forged,
      }));
  }

  #add(name: string, address: string, interfaceName: string): number {
    if (this.#sources.length < SOURCES_MOST) {
      this.#sources.push({ address, interfaceName, good: 0, forged: 0 });
    }
    this.#numbers.set(name, this.#sources.length);
    return this.#sources.length;
  }
}
