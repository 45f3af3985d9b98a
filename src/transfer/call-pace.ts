/**
 * Whether file system calls are quick where they go: to memory and page caches yes, to a cold disk or
 * a network file system no.
 */

/** A call above this is worth a thread. */
const SLOW_MS = 0.5;
/** What it moves may take this much more: 200 MB/s. Slower is not memory. */
const BYTES_PER_MS = 200_000;
/** Calls of late that count. */
const CALLS = 16;
/**
 * The longest call counts as so many slow ones: where processes outnumber processors a quick call, too,
 * takes milliseconds if another process gets in between.
 */
const LONGEST = 5;
/** How many calls go to the threads before one is tried again. */
const THREADED_CALLS = 512;

export class CallPace {
  /** Average share of what a call may take. */
  #load = 0;
  #threaded = 0;

  /** To be asked before each call. @returns whether it is to go to a thread */
  next(): boolean {
    if (this.#threaded === 0) return false;
    this.#threaded--;
    return true;
  }

  /** A call was made at once. @param bytes - read or written by it */
  took(ms: number, bytes: number): void {
    const share = Math.min(LONGEST, ms / (SLOW_MS + bytes / BYTES_PER_MS));
    this.#load += (share - this.#load) / CALLS;
    if (this.#load <= 1) return;
    this.#load = 0;
    this.#threaded = THREADED_CALLS;
  }
}
