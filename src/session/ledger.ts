import type { ControlItem } from "./control.ts";
import type { PathState } from "./path-state.ts";
import type { SendHalf } from "./send-half.ts";

/** What all packets of one plan have in common: where and when, and the path's delivery state then. */
export interface Burst {
  readonly path: PathState;
  readonly sentAt: number;
  /** Bytes delivered on the path when the burst left, when that count was taken, and the send that began it. */
  readonly delivered: number;
  readonly deliveredAt: number;
  readonly firstSentAt: number;
  readonly appLimited: boolean;
}

/** Consecutive packets of one plan with one kind of content, not yet known to be delivered. */
export class SentRun {
  burst: Burst;
  packet: number;
  count: number;
  /** Place of the first packet in the order of sending on its path, across generations. */
  sequence: number;
  /** UDP payload of each packet but the last, and of the last. */
  readonly packetBytes: number;
  tailBytes: number;
  /** Stream bytes [offset, offset + length), `payload` a packet; undefined for frames. */
  stream: SendHalf | undefined;
  offset = 0;
  length = 0;
  payload = 0;
  fin = false;
  /** Stream bytes that were never sent before. */
  fresh = false;
  /** Frames to repeat or to settle; undefined for a run of stream bytes. */
  items: readonly ControlItem[] | undefined;

  /** Packet number and sequence are known once it was sent. */
  constructor(burst: Burst, count: number, packetBytes: number, tailBytes: number) {
    this.burst = burst;
    this.packet = 0;
    this.count = count;
    this.sequence = 0;
    this.packetBytes = packetBytes;
    this.tailBytes = tailBytes;
  }

  get end(): number {
    return this.packet + this.count;
  }

  get bytes(): number {
    return (this.count - 1) * this.packetBytes + this.tailBytes;
  }

  /** Keeps the first `keep` packets, 1 to count - 1. @returns the others as a run of their own */
  splitAfter(keep: number): SentRun {
    const rest = new SentRun(this.burst, this.count - keep, this.packetBytes, this.tailBytes);
    rest.packet = this.packet + keep;
    rest.sequence = this.sequence + keep;
    rest.stream = this.stream;
    rest.payload = this.payload;
    rest.offset = this.offset + keep * this.payload;
    rest.length = this.length - keep * this.payload;
    rest.fin = this.fin;
    rest.fresh = this.fresh;
    rest.items = this.items;
    this.count = keep;
    this.tailBytes = this.packetBytes;
    this.length = keep * this.payload;
    this.fin = false;
    return rest;
  }
}

/** Room of removed runs is given back in lumps, when it is half of the list and at least so many. */
const COMPACT_RUNS = 64;

/** Runs in the order of their packet numbers: one record a span, cut only where ACKs and losses cut it. */
export class Ledger {
  readonly #runs: SentRun[] = [];
  /** Runs before this index are gone. */
  #head = 0;

  get size(): number {
    return this.#runs.length - this.#head;
  }

  get oldest(): SentRun | undefined {
    return this.#runs[this.#head];
  }

  append(run: SentRun): void {
    this.#runs.push(run);
  }

  /** Puts a run where its packet numbers belong. */
  insert(run: SentRun): void {
    this.#runs.splice(this.#firstEndingAfter(run.packet), 0, run);
  }

  dropOldest(): SentRun | undefined {
    const run = this.#runs[this.#head];
    if (run !== undefined) this.#advance(this.#head + 1);
    return run;
  }

  /** Removes packets [start, end), handing each run of them over. */
  take(start: number, end: number, visit: (run: SentRun) => void): void {
    const first = this.#firstEndingAfter(start);
    let index = first;
    let before: SentRun | undefined;
    let after: SentRun | undefined;
    for (; index < this.#runs.length; index++) {
      let run = this.#runs[index] as SentRun;
      if (run.packet >= end) break;
      if (run.packet < start) {
        before = run;
        run = run.splitAfter(start - run.packet);
      }
      if (run.end > end) after = run.splitAfter(end - run.packet);
      visit(run);
    }
    if (index > first) this.#replace(first, index, before, after);
  }

  /**
   * Looks at runs from the oldest on and removes what the judge says.
   *
   * @param judge - how many packets at the run's start to remove; -1 ends the sweep
   */
  sweep(judge: (run: SentRun) => number, visit: (run: SentRun) => void): void {
    for (let index = this.#head; index < this.#runs.length; ) {
      const run = this.#runs[index] as SentRun;
      const count = judge(run);
      if (count < 0) return;
      if (count === 0) {
        index++;
        continue;
      }
      const rest = count < run.count ? run.splitAfter(count) : undefined;
      if (rest !== undefined) this.#runs[index++] = rest;
      else if (index > this.#head) this.#runs.splice(index, 1);
      else {
        this.#advance(index + 1);
        index = this.#head;
      }
      visit(run);
    }
  }

  /** The oldest run the test accepts. */
  find(accepts: (run: SentRun) => boolean): SentRun | undefined {
    for (let index = this.#head; index < this.#runs.length; index++) {
      const run = this.#runs[index] as SentRun;
      if (accepts(run)) return run;
    }
    return undefined;
  }

  #replace(
    first: number,
    after: number,
    left: SentRun | undefined,
    right: SentRun | undefined,
  ): void {
    if (left === undefined && right === undefined && first === this.#head) {
      this.#advance(after);
      return;
    }
    const kept =
      left === undefined
        ? right === undefined
          ? []
          : [right]
        : right === undefined
          ? [left]
          : [left, right];
    this.#runs.splice(first, after - first, ...kept);
  }

  #advance(head: number): void {
    for (let index = this.#head; index < head; index++)
      this.#runs[index] = undefined as unknown as SentRun;
    this.#head = head;
    const sparse = head >= COMPACT_RUNS && head * 2 >= this.#runs.length;
    if (!sparse && head < this.#runs.length) return;
    this.#runs.splice(0, head);
    this.#head = 0;
  }

  #firstEndingAfter(packet: number): number {
    let low = this.#head;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#runs[middle] as SentRun).end <= packet) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
