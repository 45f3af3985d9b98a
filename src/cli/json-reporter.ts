import type { CliEventBody } from "./events.ts";
import type { Reporter, Sink } from "./reporter.ts";
import { printableJson } from "./text.ts";

/**
 * One event a line and nothing else. Small files come by the thousand in a turn of the event loop, and
 * writing costs as much as sending one: their lines are written together as the turn ends.
 */
export class JsonReporter implements Reporter {
  readonly #sink: Sink;
  readonly #now: () => number;
  #lines = "";
  #flushing: NodeJS.Immediate | undefined;

  /** @param now - unix time in milliseconds */
  constructor(sink: Sink, now: () => number) {
    this.#sink = sink;
    this.#now = now;
  }

  emit({ t, ...fields }: CliEventBody): void {
    this.#lines += `${printableJson({ v: 1, t, at: this.#now(), ...fields })}\n`;
    if (t !== "file") this.#flush();
    else this.#flushing ??= setImmediate(() => this.#flush());
  }

  note(): void {}

  detail(): void {}

  ask(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  follow(): () => void {
    return () => undefined;
  }

  close(): void {
    this.#flush();
  }

  #flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (this.#lines !== "") this.#sink.write(this.#lines);
    this.#lines = "";
  }
}
