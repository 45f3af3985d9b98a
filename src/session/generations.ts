import type { Generation, RehandshakeReason } from "./contract.ts";
import { KEY_LIFE_MS, KeyGeneration } from "./key-generation.ts";
import type { Recovery } from "./recovery.ts";

const NONE: KeyGeneration[] = [];

/** Age at which the last initiator asks for new keys, give or take the jitter; the other side waits longer. */
const REKEY_INITIATOR_MS = 120_000;
const REKEY_JITTER_MS = 5_000;
const REKEY_RESPONDER_MS = 135_000;
/** Part of a key's limit from which new keys are asked for. */
const REKEY_USED = 0.5;
/** Honest peers have a handful at a time; one that shakes hands without end would take all slots of the socket. */
const GENERATIONS_MAX = 16;

/** The generations of a session, oldest first: the newest confirmed one sends, all receive. */
export class Generations {
  #all: KeyGeneration[] = [];
  readonly #random: (length: number) => Uint8Array;
  /** There was one at least, though it may be gone. */
  had = false;
  #rekeyAt: number = Infinity;

  constructor(random: (length: number) => Uint8Array) {
    this.#random = random;
  }

  get all(): readonly KeyGeneration[] {
    return this.#all;
  }

  get newest(): KeyGeneration | undefined {
    return this.#all.at(-1);
  }

  /** Nothing can be sent before the peer has shown that it has the keys. */
  get awaitsPeer(): boolean {
    return this.#all.every(({ confirmed, generation }) => !confirmed && !generation.initiator);
  }

  add(generation: Generation, now: number): KeyGeneration {
    const added = new KeyGeneration(generation, now);
    if (generation.initiator) added.pingAt = now;
    this.#all = this.#all.concat(added);
    this.#makeRoom();
    this.had = true;
    this.#rekeyAt = now + (generation.initiator ? this.#initiatorMs() : REKEY_RESPONDER_MS);
    return added;
  }

  ofSlot(receiveSlot: number): KeyGeneration | undefined {
    for (let index = this.#all.length - 1; index >= 0; index--) {
      const each = this.#all[index] as KeyGeneration;
      if (each.generation.receiveSlot === receiveSlot) return each;
    }
    return undefined;
  }

  ofCid(high: number, low: number): KeyGeneration | undefined {
    for (let index = this.#all.length - 1; index >= 0; index--) {
      const each = this.#all[index] as KeyGeneration;
      if (each.isNamed(high, low)) return each;
    }
    return undefined;
  }

  /** The generation to send under: the newest confirmed, or one we initiated where none is. */
  sending(now: number): KeyGeneration | undefined {
    let fallback: KeyGeneration | undefined;
    for (let index = this.#all.length - 1; index >= 0; index--) {
      const each = this.#all[index] as KeyGeneration;
      if (!each.usable(now) || each.leftAt !== undefined) continue;
      if (each.confirmed) return each;
      if (each.generation.initiator) fallback ??= each;
    }
    return fallback;
  }

  /** Why new keys are wanted before the next packet is sent. */
  rekeyReason(sending: KeyGeneration | undefined, now: number): RehandshakeReason | undefined {
    if (sending === undefined) return "expired";
    if (sending.used >= REKEY_USED) return "limit";
    return now >= this.#rekeyAt ? "age" : undefined;
  }

  /** Older generations we still send under, now that `sending` took over. */
  left(sending: KeyGeneration): KeyGeneration | undefined {
    if (!sending.confirmed) return undefined;
    const index = this.#all.indexOf(sending);
    return this.#all.find((each, at) => at < index && each.leftAt === undefined);
  }

  /** When the next generation is of no more use. */
  retireAt(drainMs: number): number {
    let at = Infinity;
    for (const each of this.#all) at = Math.min(at, endOf(each, drainMs));
    return at;
  }

  /** Takes out generations that neither side uses any more; what they carried goes again. */
  retire(now: number, drainMs: number, recovery: Recovery): KeyGeneration[] {
    if (this.retireAt(drainMs) > now) return NONE;
    const retired = this.#all.filter((each) => endOf(each, drainMs) <= now);
    for (const each of retired) {
      recovery.abandonKeys(each);
      this.#all.splice(this.#all.indexOf(each), 1);
    }
    return retired;
  }

  /** One under which nothing came gives way first: it may be a replay of the peer's handshake. */
  #makeRoom(): void {
    const kept = this.#all.filter(({ peerLeftAt }) => peerLeftAt !== -Infinity);
    if (kept.length <= GENERATIONS_MAX) return;
    const [oldest] = kept;
    const surplus = kept.slice(0, -1).find(({ confirmed }) => !confirmed) ?? oldest;
    if (surplus !== undefined) surplus.leftAt = surplus.peerLeftAt = -Infinity;
  }

  #initiatorMs(): number {
    const jitter = ((this.#random(1)[0] as number) / 127.5 - 1) * REKEY_JITTER_MS;
    return REKEY_INITIATOR_MS + jitter;
  }

  clear(): KeyGeneration[] {
    return this.#all.splice(0);
  }
}

/** Both sides have left it and what was under way is over, or its life is. */
function endOf({ addedAt, leftAt, peerLeftAt }: KeyGeneration, drainMs: number): number {
  const life = addedAt + KEY_LIFE_MS;
  if (leftAt === undefined || peerLeftAt === undefined) return life;
  return Math.min(life, Math.max(leftAt, peerLeftAt) + drainMs);
}
