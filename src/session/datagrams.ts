/** Datagrams waiting to be sent; older ones are not pushed out, so `send` can say no. */
const QUEUE_DATAGRAMS = 1024;
const QUEUE_BYTES = 1_048_576;

export class DatagramQueue {
  readonly #waiting: Uint8Array[] = [];
  #bytes = 0;
  #refused = false;

  get head(): Uint8Array | undefined {
    return this.#waiting[0];
  }

  /** @param bytes - copied. @returns false where the queue is full; `shift` tells when it is half empty */
  push(bytes: Uint8Array): boolean {
    if (this.#waiting.length >= QUEUE_DATAGRAMS || this.#bytes + bytes.length > QUEUE_BYTES) {
      this.#refused = true;
      return false;
    }
    // Not `slice`, which of a node Buffer is no copy.
    this.#waiting.push(new Uint8Array(bytes));
    this.#bytes += bytes.length;
    return true;
  }

  /** @returns whether some were refused, and half the queue is free for the first time since */
  shift(): boolean {
    this.#bytes -= this.#waiting.shift()?.length ?? 0;
    const isFull = 2 * this.#waiting.length > QUEUE_DATAGRAMS || 2 * this.#bytes > QUEUE_BYTES;
    if (isFull || !this.#refused) return false;
    this.#refused = false;
    return true;
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#bytes = 0;
  }
}
