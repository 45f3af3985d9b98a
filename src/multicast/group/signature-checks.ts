/**
 * Which signatures are worth the time it takes to verify them. Every member can seal packets under another's
 * keys, so wrong ones cost nothing but to us: sources that have not shown to be a member's share a rate, and
 * those that have may be wrong only now and then.
 */
import { RecentMap } from "../../base/recent-map.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import type { StrangeChecks } from "../strange-checks.ts";

/** Wrong ones from a source with proof: its address may be forged. */
const WRONG_PER_SECOND = 100;
/** Addresses of one member: two families on a few interfaces. */
const SOURCES_MOST = 8;

/** Checks of what came under one member's keys. */
export class SignatureChecks {
  readonly #strange: StrangeChecks;
  readonly #address: () => string;
  /** Sources that sent what the member signed, with how many wrong ones they may send. */
  readonly #proven = new RecentMap<string, TokenBucket>(SOURCES_MOST);

  /** @param address - where the member's session leads: proof as good as a signature */
  constructor(strange: StrangeChecks, address: () => string) {
    this.#strange = strange;
    this.#address = address;
  }

  mayCheck(source: string, now: number): boolean {
    if (source === this.#address() && !this.#proven.has(source)) this.#prove(source);
    return this.#proven.get(source)?.holdsOne(now) ?? this.#strange.take(source, now);
  }

  /** What came of a check. @returns whether somebody else speaks from an address of the member's */
  judge(source: string, isGood: boolean, now: number): boolean {
    const wrong = this.#proven.get(source);
    if (!isGood) wrong?.take(now);
    else if (wrong === undefined) this.#prove(source);
    return !isGood && wrong !== undefined;
  }

  #prove(source: string): void {
    this.#proven.set(source, new TokenBucket(WRONG_PER_SECOND));
  }
}
