import type { CliEventBody } from "./events.ts";
import type { Reporter, Sink } from "./reporter.ts";
import { printableJson } from "./text.ts";

/** One event a line and nothing else. */
export class JsonReporter implements Reporter {
  readonly #sink: Sink;
  readonly #now: () => number;

  /** @param now - unix time in milliseconds */
  constructor(sink: Sink, now: () => number) {
    this.#sink = sink;
    this.#now = now;
  }

  emit({ t, ...fields }: CliEventBody): void {
    this.#sink.write(`${printableJson({ v: 1, t, at: this.#now(), ...fields })}\n`);
  }

  note(): void {}

  detail(): void {}

  ask(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  follow(): () => void {
    return () => undefined;
  }

  close(): void {}
}
