/** The one file that touches timers, clocks and the socket's events: it makes the core run in real time. */
import type { DatagramSocket, ReceiveBatch } from "../backend/port.ts";
import type { EndpointCore } from "./core.ts";

/** A wall clock that runs this far from the monotonic one means suspend, or a restored snapshot. */
const CLOCK_JUMP_MS = 30_000;
/** Waits shorter than this are spent turning the event loop: a timer would be late by many times as much. */
const SPIN_MS = 0.2;
/** Node's longest timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Driver {
  readonly #socket: DatagramSocket;
  readonly #core: EndpointCore;
  readonly #failed: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #timerAt: number = Number.POSITIVE_INFINITY;
  #immediate: NodeJS.Immediate | undefined;
  #flushing = false;
  #receiving = false;
  #closed = false;
  #drained: (() => void) | undefined;
  #clockOffset: number;

  constructor(socket: DatagramSocket, core: EndpointCore, failed: (error: Error) => void) {
    this.#socket = socket;
    this.#core = core;
    this.#failed = failed;
    this.#clockOffset = Date.now() - socket.now();
  }

  start(): void {
    this.#socket.start({
      receive: (batch) => this.#receive(batch),
      writable: () => {
        this.#core.writable(this.now());
        this.#arm();
      },
      failed: (error) => this.#failed(error),
    });
  }

  /** Monotonic milliseconds, the clock of the core. */
  now(): number {
    return this.#socket.now();
  }

  unixMs(): number {
    return Date.now();
  }

  /** Runs the core before this turn of the event loop ends, once for all that happened in it. */
  flush(): void {
    if (this.#flushing || this.#receiving || this.#closed) return;
    this.#flushing = true;
    process.nextTick(() => {
      this.#flushing = false;
      this.#run();
    });
  }

  /** Calls back after a time, without keeping the process alive. @returns a function that cancels */
  after(ms: number, call: () => void): () => void {
    const timer = setTimeout(call, ms);
    timer.unref();
    return () => clearTimeout(timer);
  }

  /** Resolves when no closed session has to repeat its CLOSE any more. */
  async drained(): Promise<void> {
    if (!this.#core.draining) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#drained?.();
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    await this.#socket.close();
  }

  #receive(batch: ReceiveBatch): void {
    if (this.#closed) return;
    this.#receiving = true;
    try {
      this.#core.receive(batch, this.now());
    } finally {
      this.#receiving = false;
    }
    // What the application did in answer to this batch was held back: it runs before the turn ends.
    if (this.#core.nextAt() <= this.now()) this.flush();
    else this.#arm();
  }

  #run(): void {
    if (this.#closed) return;
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
    const now = this.now();
    const offset = Date.now() - now;
    if (Math.abs(offset - this.#clockOffset) > CLOCK_JUMP_MS) this.#core.rehandshakeAll(now);
    this.#clockOffset = offset;
    this.#core.run(now);
    this.#arm();
  }

  /** One timer for the earliest deadline; it fires up to a millisecond late, which pacing makes up for. */
  #arm(): void {
    if (this.#closed) return;
    if (this.#drained !== undefined && !this.#core.draining) this.#drained();
    const at = this.#core.nextAt();
    const wait = at - this.now();
    if (wait < SPIN_MS) {
      this.#immediate ??= setImmediate(() => this.#run());
      return;
    }
    if (at >= this.#timerAt && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#fire(), Math.min(wait, MAX_TIMER_MS));
    this.#timer.unref();
  }

  #fire(): void {
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#run();
  }
}
