/** Two programs that use the streams of one session in every way, and what each of them was told. */
import type { SessionEvent } from "../../src/session/contract.ts";
import type { Clock } from "./clock.ts";
import type { SimPeer } from "./peer.ts";
import type { Random } from "./random.ts";
import { patternAt } from "./transfer.ts";

/** How one direction of a stream ended for the program at one of its ends. */
export interface End {
  how: "finished" | "reset" | "stopped";
  /** The peer's, where it is the one that ended it. */
  code?: number;
}

/** The end of a stream that writes. */
export class Writing {
  written = 0;
  /** What the program did, and what it was told. */
  did: "finish" | "reset" | undefined;
  code = 0;
  told: End | undefined;
  readonly total: number;
  readonly resetsAt: number;
  readonly pauseMs: number;
  readonly lumpBytes: number;
  /** What was lent and may still leave. */
  #lent: Uint8Array[] = [];

  constructor(random: Random) {
    this.total = random.pick(0, 1, 700, 5000, 60_000, 300_000);
    this.resetsAt = random.chance(0.25) ? random.below(this.total + 1) : Infinity;
    this.pauseMs = random.pick(0, 0, 1, 60);
    this.lumpBytes = random.pick(1, 300, 4096, 20_000, 1_000_000);
    if (this.total / this.lumpBytes > 50) this.lumpBytes = Math.ceil(this.total / 50);
  }

  lend(bytes: Uint8Array): void {
    this.#lent.push(bytes);
  }

  /** The memory is the program's again, and serves for something else. */
  reuse(): void {
    for (const bytes of this.#lent) bytes.fill(0xee);
    this.#lent = [];
  }
}

/** The end of a stream that reads. */
export class Reading {
  got = 0;
  stoppedWith: number | undefined;
  told: End | undefined;
  readonly stopsAt: number;
  readonly pauseMs: number;
  readonly consumes: boolean;
  busy = false;

  constructor(random: Random) {
    this.stopsAt = random.chance(0.2) ? random.below(50_000) : Infinity;
    this.pauseMs = random.pick(0, 0, 0, 5, 200);
    this.consumes = random.chance(0.3);
  }
}

/** One of the two programs. */
export class Talker {
  readonly writing: Map<number, Writing> = new Map();
  readonly reading: Map<number, Reading> = new Map();
  /** Grows with all that goes on. */
  steps = 0;
  toOpen: number;
  readonly #peer: SimPeer;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(peer: SimPeer, clock: Clock, random: Random, toOpen: number) {
    this.#peer = peer;
    this.#clock = clock;
    this.#random = random;
    this.toOpen = toOpen;
  }

  get isDone(): boolean {
    const told = [...this.writing.values(), ...this.reading.values()];
    return this.toOpen === 0 && told.every((each) => each.told !== undefined);
  }

  open(): void {
    for (; this.toOpen > 0; this.toOpen--) {
      const unidirectional = this.#random.chance(0.5);
      const priority = this.#random.below(4);
      const id = this.#peer.engine.openStream({ unidirectional, priority }, this.#clock.now);
      if (id === undefined) return;
      if (!unidirectional) this.reading.set(id, new Reading(this.#random));
      this.#startWriting(id);
      if (!unidirectional) this.#startReading(id);
    }
  }

  onEvent(event: SessionEvent): void {
    if (!("stream" in event)) {
      if (event.kind === "streams") this.open();
      if (event.kind === "closed") throw new Error(`closed by ${event.by}: ${event.text}`);
      return;
    }
    this.steps++;
    const { stream } = event;
    if (event.kind === "stream") this.#accept(stream);
    else if (event.kind === "readable") this.#read(stream);
    else if (event.kind === "writable") this.#write(stream);
    else if (event.kind === "finished") this.#tell(this.writing.get(stream), { how: "finished" });
    else if (event.kind === "reset")
      this.#tell(this.reading.get(stream), { how: "reset", code: event.code });
    else this.#tell(this.writing.get(stream), { how: "stopped", code: event.code });
  }

  #tell(half: Writing | Reading | undefined, end: End): void {
    if (half === undefined) throw new Error(`${end.how}, and no such stream`);
    // It broke off while the news that nobody reads was on its way.
    if (end.how === "stopped" && half.told?.how === "reset") return;
    if (half.told !== undefined) throw new Error(`${end.how} after ${half.told.how}`);
    half.told = end;
    if (half instanceof Writing && end.how === "finished") half.reuse();
  }

  #accept(id: number): void {
    this.reading.set(id, new Reading(this.#random));
    this.#startReading(id);
    if ((id & 2) === 0) this.#startWriting(id);
  }

  #startWriting(id: number): void {
    this.writing.set(id, new Writing(this.#random));
    this.#later(this.#random.pick(0, 0, 30), () => this.#write(id));
  }

  #startReading(id: number): void {
    const half = this.reading.get(id) as Reading;
    if (half.consumes) this.#later(this.#random.pick(0, 40), () => this.#read(id));
    if (half.stopsAt < 1000) this.#later(this.#random.below(200), () => this.#stop(id, half));
  }

  /** Some program does something, now or later. */
  #later(ms: number, act: () => void): void {
    this.#clock.after(ms, () => {
      this.steps++;
      act();
      this.#peer.pump();
    });
  }

  #write(id: number): void {
    const half = this.writing.get(id) as Writing;
    const { engine } = this.#peer;
    while (half.did === undefined && half.told === undefined) {
      if (half.written >= half.resetsAt) {
        half.did = "reset";
        half.code = 1000 + id;
        half.told = { how: "reset" };
        engine.reset(id, half.code, this.#clock.now);
        half.reuse();
        return;
      }
      if (half.written === half.total) {
        half.did = "finish";
        engine.finish(id, this.#clock.now);
        return;
      }
      const wanted = Math.min(half.lumpBytes, half.total - half.written);
      const lends = this.#random.chance(0.3);
      const pattern = patternAt(id, half.written, wanted);
      const bytes = lends ? pattern.slice() : pattern;
      const taken = engine.write(id, bytes, this.#clock.now, lends);
      half.written += taken;
      if (lends && taken > 0) half.lend(bytes);
      if (taken < bytes.length) return;
      if (half.pauseMs > 0) {
        this.#later(half.pauseMs, () => this.#write(id));
        return;
      }
    }
  }

  #stop(id: number, half: Reading): void {
    if (half.told !== undefined) return;
    half.stoppedWith = 5000 + id;
    half.told = { how: "stopped" };
    this.#peer.engine.stop(id, half.stoppedWith, this.#clock.now);
  }

  /** A slow reader takes one chunk at a time. */
  #read(id: number): void {
    const half = this.reading.get(id) as Reading;
    if (half.busy || half.told !== undefined) return;
    const { engine } = this.#peer;
    let wants = true;
    const take = (bytes: Uint8Array) => {
      this.#check(id, half, bytes);
      wants = half.pauseMs === 0 && half.got < half.stopsAt;
      return wants;
    };
    if (half.consumes) engine.consume(id, take);
    else
      while (wants) {
        const bytes = engine.read(id);
        if (bytes === undefined) break;
        take(bytes);
      }
    if (half.got >= half.stopsAt) this.#stop(id, half);
    else if (engine.ended(id)) this.#tell(half, { how: "finished" });
    else if (!wants) {
      half.busy = true;
      this.#later(half.pauseMs, () => {
        half.busy = false;
        this.#read(id);
      });
    }
  }

  #check(id: number, half: Reading, bytes: Uint8Array): void {
    if (half.told !== undefined) throw new Error(`bytes of ${id} after its end`);
    for (let at = 0; at < bytes.length; ) {
      const right = patternAt(id, half.got, bytes.length - at);
      if (Buffer.compare(bytes.subarray(at, at + right.length), right) !== 0)
        throw new Error(`stream ${id} is wrong near byte ${half.got}`);
      at += right.length;
      half.got += right.length;
    }
    this.steps++;
  }
}

/** What is wrong with what the two were told of one direction of a stream; undefined where nothing is. */
export function disagreement(writing: Writing, reading: Reading | undefined): string | undefined {
  const { did, told, code, written } = writing;
  if (reading === undefined) return did === "reset" ? undefined : "it was never heard of";
  if (told?.how === "stopped" && told.code !== reading.stoppedWith) return "a stop nobody said";
  if (reading.told?.how === "reset") {
    if (did !== "reset") return "a reset nobody said";
    if (reading.told.code !== code) return "another code than was said";
  }
  if (reading.told?.how !== "finished") return undefined;
  if (did === undefined || written !== writing.total) return "an end that nobody said";
  return reading.got === writing.total ? undefined : `${reading.got} bytes of ${writing.total}`;
}
