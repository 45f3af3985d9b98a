/** A cast in memory: blocks in any order, verified as an engine would, without packets. */
import { equalBytes } from "../../src/base/bytes.ts";
import { Mp2pError } from "../../src/base/errors.ts";
import type {
  CastContent,
  Casting,
  CastReceipt,
  CastReport,
  CastTarget,
  HeldBlock,
  ReceiverReport,
} from "../../src/multicast/cast/contract.ts";
import type { CastEndpoint } from "../../src/transfer/cast-endpoint.ts";
import { blake3 } from "./support.ts";

export interface MemoryCastOptions {
  readonly blockBytes?: number;
  /** The order of n blocks; default: shuffled, the same each time. */
  readonly order?: (blocks: number) => number[];
  /** Blocks written at once. */
  readonly atOnce?: number;
  /** The sender is gone after this many blocks. */
  readonly cutAfterBlocks?: number;
  /** Changes a manifest on its way. */
  readonly tamper?: (manifest: Uint8Array) => Uint8Array;
}

export interface MemoryCast {
  readonly sender: CastEndpoint;
  /** Any number of them receive from one sender. */
  readonly receiver: CastEndpoint;
  /** Blocks given to targets, and their bytes. */
  sent(): number;
  sentBytes(): number;
}

const SENDER_KEY: Uint8Array = new Uint8Array(32).fill(1);
const RECEIVER_KEY: Uint8Array = new Uint8Array(32).fill(2);

export function memoryCast(options: MemoryCastOptions = {}): MemoryCast {
  let content: CastContent | undefined;
  let sent = 0;
  let sentBytes = 0;
  const reports: ReceiverReport[] = [];
  let over: (report: CastReport) => void = () => undefined;
  const nobody = () => {
    throw new Error("not this side's");
  };
  const receive = async (target: CastTarget, signal: AbortSignal | undefined) => {
    const hand = new Hand(content as CastContent, target, options, signal);
    try {
      await hand.run();
      reports.push(report(hand, "complete", undefined));
      return { ...report(hand, "complete", undefined), heldBytes: hand.heldBytes, forged: [] };
    } catch (error) {
      reports.push(report(hand, "partial", (error as Error).message));
      throw error;
    } finally {
      sent += hand.sent;
      sentBytes += hand.bytes;
      over({ receivers: reports, bytes: content?.bytes ?? hand.bytes, seconds: 0, wireBytes: 0 });
    }
  };
  return {
    sender: {
      key: SENDER_KEY,
      blake3,
      cast: (its) => {
        content = its;
        const done = new Promise<CastReport>((resolve) => {
          over = resolve;
        });
        return memoryCasting(done);
      },
      receiveCast: nobody,
    },
    receiver: {
      key: RECEIVER_KEY,
      blake3,
      cast: nobody,
      receiveCast: (_from, target, its) => receive(target, its?.signal) as Promise<CastReceipt>,
    },
    sent: () => sent,
    sentBytes: () => sentBytes,
  };
}

function memoryCasting(done: Promise<CastReport>): Casting {
  const progress = { bytes: 0, total: 0, receivers: 0, complete: 0, slowest: 0, median: 0 };
  return {
    ticket: "memory",
    progress: () => ({ ...progress, rate: 0, wireBytes: 0 }),
    receivers: () => [],
    done,
    close: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function report(hand: Hand, outcome: ReceiverReport["outcome"], why: string | undefined) {
  const { bytes } = hand;
  return {
    key: RECEIVER_KEY,
    outcome,
    bytes,
    seconds: 0,
    lossRate: 0,
    path: "multicast" as const,
    why,
  };
}

/** Everything one receiver gets. */
class Hand {
  sent = 0;
  bytes = 0;
  heldBytes = 0;
  readonly #content: CastContent;
  readonly #target: CastTarget;
  readonly #options: MemoryCastOptions;
  readonly #signal: AbortSignal | undefined;

  constructor(
    content: CastContent,
    target: CastTarget,
    options: MemoryCastOptions,
    signal: AbortSignal | undefined,
  ) {
    this.#content = content;
    this.#target = target;
    this.#options = options;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const { manifest, bytes } = this.#content;
    const { blockBytes = 1000, tamper = (same) => same } = this.#options;
    const offered = await this.#target.offered(tamper(manifest), {
      sender: SENDER_KEY,
      blockBytes,
      bytes,
    });
    const blocks = await this.#blocks(blockBytes);
    const held = new Map<number, HeldBlock>(offered.map((block) => [block.block, block]));
    const missing = this.#order(blocks.length).filter(
      (block) => !this.#isHeld(blocks, block, held),
    );
    await this.#writeAll(blocks, missing, blockBytes);
    await this.#target.complete();
  }

  /** Content in blocks, each with its hash; a live one is read in order until it comes up short. */
  async #blocks(blockBytes: number): Promise<{ bytes: Uint8Array; hash: Uint8Array }[]> {
    const blocks: { bytes: Uint8Array; hash: Uint8Array }[] = [];
    for (let at = 0; ; at += blockBytes) {
      const whole = new Uint8Array(blockBytes);
      const bytes = whole.subarray(0, await this.#content.read(at, whole));
      if (bytes.length > 0) blocks.push({ bytes, hash: blake3(bytes) });
      if (bytes.length < blockBytes) return blocks;
    }
  }

  #order(blocks: number): number[] {
    return this.#options.order?.(blocks) ?? shuffled(blocks);
  }

  #isHeld(
    blocks: readonly { bytes: Uint8Array; hash: Uint8Array }[],
    number: number,
    held: ReadonlyMap<number, HeldBlock>,
  ): boolean {
    const block = blocks[number];
    const hash = held.get(number)?.hash;
    if (block === undefined || hash === undefined) return false;
    const isHeld = hash.length === 0 || equalBytes(hash, block.hash);
    if (isHeld) this.heldBytes += block.bytes.length;
    return isHeld;
  }

  async #writeAll(
    blocks: readonly { bytes: Uint8Array; hash: Uint8Array }[],
    order: readonly number[],
    blockBytes: number,
  ): Promise<void> {
    const { atOnce = 4, cutAfterBlocks = Number.POSITIVE_INFINITY } = this.#options;
    for (let at = 0; at < order.length; at += atOnce) {
      this.#signal?.throwIfAborted();
      const some = order.slice(at, at + atOnce);
      const writes = some.map(async (number) => {
        const block = blocks[number] as { bytes: Uint8Array; hash: Uint8Array };
        // Borrowed: whoever keeps it is found out.
        const borrowed = block.bytes.slice();
        await this.#target.write(number * blockBytes, borrowed, block.hash);
        borrowed.fill(0xee);
        this.sent++;
        this.bytes += borrowed.length;
      });
      await Promise.all(writes);
      if (this.sent >= cutAfterBlocks) throw new Mp2pError("MP2P_CLOSED", "the sender is gone");
    }
  }
}

/** The same each time: a multiplier that is prime to no small count alone. */
function shuffled(count: number): number[] {
  let state = 12_345;
  const numbers = Array.from({ length: count }, (_, at) => at);
  for (let at = count - 1; at > 0; at--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = state % (at + 1);
    [numbers[at], numbers[other]] = [numbers[other] as number, numbers[at] as number];
  }
  return numbers;
}
