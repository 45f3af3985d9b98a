import { DATA_HEADER_BYTES, SUITE_AES_256_GCM, TAG_BYTES } from "../backend/port.ts";
import { viewOf } from "../base/bytes.ts";
import { RangeSet } from "../base/ranges.ts";
import { AckTracker } from "./ack-tracker.ts";
import type { Generation } from "./contract.ts";
import { Ledger } from "./ledger.ts";

/** WIRE 5: RFC 9001 appendix B.1.1 for packets below 2^11 bytes; both limits are 2^35 blocks. */
const AES_PACKETS_MAX = 2 ** 28;
const AES_BLOCKS_MAX = 2 ** 35;
const CHACHA_PACKETS_MAX = 2 ** 32;
/** Keys are refused from this age on. */
export const KEY_LIFE_MS = 180_000;
/** Packets that ask for no ACK whose times are remembered: they may be the newest that an ACK names. */
const BARE_KEPT = 16;
/** Skipped packet numbers remembered: an ACK of an older one is no news to anybody. */
const SKIPS_KEPT = 32;

/** One generation of keys: its packet numbers, what they carried, and what came in under it. */
export class KeyGeneration {
  readonly generation: Generation;
  readonly addedAt: number;
  readonly acks: AckTracker = new AckTracker();
  /** Sent and neither acknowledged nor lost. */
  readonly ledger: Ledger = new Ledger();
  /** Thought lost not long ago: an ACK of one of these shows that the threshold was too tight. */
  readonly gone: Ledger = new Ledger();
  /** A valid packet under it arrived. */
  confirmed = false;
  /** When we sent the last packet under it for good, and when the peer said so of its side. */
  leftAt: number | undefined;
  peerLeftAt: number | undefined;
  /** When the PING that confirms it goes (again); Infinity once it is no use. */
  pingAt: number = Infinity;
  nextPacket = 0;
  /** Packets of ours that the peer saw marked by the network, as its last ACK says. */
  marks = 0;
  readonly #cidHigh: number;
  readonly #cidLow: number;
  readonly #skipped = new RangeSet();
  /** Packet numbers and sending times by turns. */
  #bare: number[] = [];
  #packets = 0;
  #blocks = 0;

  constructor(generation: Generation, now: number) {
    this.generation = generation;
    this.addedAt = now;
    const cid = viewOf(generation.sendCid);
    this.#cidHigh = cid.getUint32(0);
    this.#cidLow = cid.getUint32(4);
  }

  /** Whether an ACK that names this connection id speaks of our packets. */
  isNamed(cidHigh: number, cidLow: number): boolean {
    return cidHigh === this.#cidHigh && cidLow === this.#cidLow;
  }

  /** Share of the key's limit that is used up, 0 to 1. */
  get used(): number {
    if (this.generation.suite !== SUITE_AES_256_GCM) return this.#packets / CHACHA_PACKETS_MAX;
    return Math.max(this.#packets / AES_PACKETS_MAX, this.#blocks / AES_BLOCKS_MAX);
  }

  usable(now: number): boolean {
    return now - this.addedAt < KEY_LIFE_MS && this.used < 1;
  }

  /** @param packetBytes - UDP payload of the largest of them */
  countSent(packets: number, packetBytes: number): void {
    this.#packets += packets;
    this.#blocks += packets * (Math.ceil((packetBytes - DATA_HEADER_BYTES - TAG_BYTES) / 16) + 1);
  }

  /** A packet left that asks for no ACK and so is not in the ledger. */
  noteBare(packet: number, sentAt: number): void {
    if (this.#bare.length === 0) this.#bare = [packet, sentAt];
    else this.#bare.push(packet, sentAt);
    if (this.#bare.length > 2 * BARE_KEPT) this.#bare.splice(0, 2);
  }

  /** When a packet left that is not in the ledger; undefined where that is not remembered. */
  bareSentAt(packet: number): number | undefined {
    for (let at = this.#bare.length - 2; at >= 0; at -= 2) {
      if (this.#bare[at] === packet) return this.#bare[at + 1];
    }
    return undefined;
  }

  /** Packet numbers that were left out on purpose (optimistic-ACK defence). */
  skip(start: number, end: number): void {
    this.#skipped.add(start, end);
    this.#skipped.keepHighest(SKIPS_KEPT);
  }

  /** Whether all of [lowest, highest] may have been sent. */
  mayHaveSent(lowest: number, highest: number): boolean {
    if (highest >= this.nextPacket) return false;
    for (let index = this.#skipped.size - 1; index >= 0; index--) {
      if (this.#skipped.end(index) <= lowest) break;
      if (this.#skipped.start(index) <= highest) return false;
    }
    return true;
  }
}
