/** Sessions that peers opened, until the program fetches them. */
import { AsyncQueue, type LoopOptions } from "./async-queue.ts";

/** Of those that nobody fetched before they ended, the latest: what they brought can still be read. */
const ENDED_MAX = 64;

/** Peers that come and go do not fill the memory of a program that fetches none. */
export class IncomingSessions<S extends { readonly closed: Promise<unknown> }> {
  readonly #queue = new AsyncQueue<S>();
  readonly #ended: S[] = [];

  push(session: S): void {
    this.#queue.push(session);
    void session.closed.then(() => this.#over(session));
  }

  loop(options: LoopOptions): AsyncIterable<S> {
    return this.#queue.loop(options);
  }

  end(): void {
    this.#queue.end();
  }

  #over(session: S): void {
    if (!this.#queue.has(session)) return;
    this.#ended.push(session);
    if (this.#ended.length > ENDED_MAX) this.#queue.delete(this.#ended.shift() as S);
  }
}
