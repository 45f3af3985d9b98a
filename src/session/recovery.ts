import type { AckFrame } from "../wire/frames.ts";
import { FAULT, type Fault } from "./close-codes.ts";
import type { Generations } from "./generations.ts";
import type { KeyGeneration } from "./key-generation.ts";
import type { SentRun } from "./ledger.ts";
import type { PathState } from "./path-state.ts";

/** Lost runs remembered a generation, to notice that they were not lost. */
const GONE_RUNS_KEPT = 512;

/** What becomes of the content of packets. */
export interface Settlement {
  acked(run: SentRun): void;
  lost(run: SentRun): void;
}

/** ACKs in, losses out: RFC 9002 over ranges, in the order of sending on each path, across generations. */
export class Recovery {
  readonly #generations: Generations;
  readonly #settlement: Settlement;
  #touched: PathState[] = [];
  /** Of the ACK under way, where its newest packet is in the ledger. */
  #newestSentAt: number | undefined;

  constructor(generations: Generations, settlement: Settlement) {
    this.#generations = generations;
    this.#settlement = settlement;
  }

  /** @returns the fault where the peer acknowledges what was never sent */
  onAck(frame: AckFrame, now: number): Fault | undefined {
    const keys = this.#generations.ofCid(frame.cidHigh, frame.cidLow);
    if (keys === undefined) return undefined;
    for (let index = 0; index < frame.rangeCount; index++) {
      if (!keys.mayHaveSent(frame.lowest[index] as number, frame.highest[index] as number))
        return FAULT.ackUnsent;
    }
    const newest = (frame.highest[0] as number) + 1;
    for (let index = 0; index < frame.rangeCount; index++) {
      const lowest = frame.lowest[index] as number;
      const end = (frame.highest[index] as number) + 1;
      if (keys.gone.size > 0) keys.gone.take(lowest, end, (run) => this.#spurious(run, now));
      keys.ledger.take(lowest, end, (run) => this.#acked(run, run.end === newest, now));
    }
    this.#countMarks(keys, frame.congestionMarks);
    this.#sampleRtt(keys, newest - 1, frame.delayUs / 1000, now);
    for (const path of this.#touched) {
      this.#markLost(path, now);
      path.finishSample();
    }
    this.#touched = [];
    return undefined;
  }

  /** The clock alone can show a loss (RFC 9002 section 6.1.2). */
  onTime(path: PathState, now: number): void {
    path.beginSample(now);
    this.#markLost(path, now);
    path.finishSample();
  }

  /** Nothing sent on this path will be acknowledged any more: it all goes again, elsewhere. */
  abandon(path: PathState): void {
    for (const keys of this.#generations.all) {
      keys.ledger.sweep(
        (run) => (run.burst.path === path ? run.count : 0),
        (run) => this.#settlement.lost(run),
      );
    }
    path.inFlight = 0;
  }

  /** Nothing sent under these keys will be acknowledged any more. */
  abandonKeys(keys: KeyGeneration): void {
    keys.ledger.sweep(
      (run) => run.count,
      (run) => {
        run.burst.path.inFlight -= run.bytes;
        this.#settlement.lost(run);
      },
    );
  }

  /** The oldest run in flight on the path. */
  oldest(path: PathState): SentRun | undefined {
    for (const { ledger } of this.#generations.all) {
      const run = ledger.find((each) => each.burst.path === path);
      if (run !== undefined) return run;
    }
    return undefined;
  }

  #touch(path: PathState, now: number): void {
    if (this.#touched.includes(path)) return;
    this.#touched.push(path);
    path.beginSample(now);
  }

  /** @param newest - whether the run ends with the newest packet that the ACK names */
  #acked(run: SentRun, newest: boolean, now: number): void {
    const { path, sentAt } = run.burst;
    this.#touch(path, now);
    if (newest) this.#newestSentAt = sentAt;
    path.countAcked(run);
    this.#settlement.acked(run);
  }

  #countMarks(keys: KeyGeneration, marks: number): void {
    const path = this.#touched[0];
    if (marks <= keys.marks || path === undefined) return;
    path.sample.marks = marks - keys.marks;
    keys.marks = marks;
  }

  /** An ACK is a sample only of the newest packet it names, as its delay speaks of no other (RFC 9002 section 5.1). */
  #sampleRtt(keys: KeyGeneration, packet: number, delayMs: number, now: number): void {
    const sentAt = this.#newestSentAt ?? keys.bareSentAt(packet);
    this.#newestSentAt = undefined;
    const path = this.#touched[0];
    if (sentAt === undefined || path === undefined || path.sample.ackedPackets === 0) return;
    path.rtt.sample(now - sentAt, delayMs);
    path.sample.rttMs = path.rtt.latest;
    path.sample.delayMs = delayMs;
  }

  #spurious(run: SentRun, now: number): void {
    const { path } = run.burst;
    this.#touch(path, now);
    path.countSpurious(run);
    path.controller.onSpurious(now);
    this.#settlement.acked(run);
  }

  #markLost(path: PathState, now: number): void {
    path.lossAt = Infinity;
    const delayMs = path.rtt.lossDelayMs;
    for (const keys of this.#generations.all) {
      if (keys.ledger.size === 0) continue;
      keys.ledger.sweep(
        (run) => lostPackets(run, path, now, delayMs),
        (run) => this.#lost(keys, run),
      );
    }
  }

  #lost(keys: KeyGeneration, run: SentRun): void {
    run.burst.path.countLost(run);
    keys.gone.insert(run);
    if (keys.gone.size > GONE_RUNS_KEPT) keys.gone.dropOldest();
    this.#settlement.lost(run);
  }
}

/** How many packets at the start of the run are lost; -1 where no later run can be. */
function lostPackets(run: SentRun, path: PathState, now: number, delayMs: number): number {
  if (run.burst.path !== path) return 0;
  if (run.sequence > path.largestAcked) return -1;
  const dueAt = run.burst.sentAt + delayMs;
  if (dueAt <= now) return run.count;
  path.lossAt = Math.min(path.lossAt, dueAt);
  return Math.max(
    0,
    Math.min(run.count, path.largestAcked - path.reorderPackets + 1 - run.sequence),
  );
}
