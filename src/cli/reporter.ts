import type { CliEventBody } from "./events.ts";
import type { ReceiverLine } from "./progress-line.ts";
import type { Question } from "./question.ts";

/** Where a command says what happens; commands print nothing themselves, save a pipe its bytes. */
export interface Reporter {
  emit(event: CliEventBody): void;
  /** A remark for people; never part of `--json`. */
  note(text: string): void;
  /** Like `note`, only with `-v`. */
  detail(text: string): void;
  /**
   * @returns undefined where nobody can be asked: no terminal, or `--json`
   * @throws the signal's reason
   */
  ask<T>(question: Question<T>, signal: AbortSignal): Promise<T | undefined>;
  /**
   * Shows people how far each receiver of a cast is; `--json` has the events.
   *
   * @returns a function that takes the cast off the screen
   */
  follow(receivers: () => readonly ReceiverLine[]): () => void;
  /** Removes what is temporary from the screen; nothing is emitted after it. */
  close(): void;
}

/** The part of a writable stream that reporters use; process.stdout and process.stderr fit. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}
