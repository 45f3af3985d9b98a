import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Question } from "./question.ts";
import type { Sink } from "./reporter.ts";

/**
 * Asks until there is an answer.
 *
 * The terminal stays in line mode (`terminal: false`), so Ctrl-C is a signal as ever.
 *
 * @returns undefined when the input ends without an answer, or ended (Ctrl-D) at an earlier question
 * @throws the signal's reason
 */
export function prompt<T>(
  question: Question<T>,
  input: Readable,
  output: Sink,
  signal: AbortSignal,
): Promise<T | undefined> {
  if (signal.aborted) return Promise.reject(signal.reason);
  if (!input.readable) return Promise.resolve(undefined);
  const lines = createInterface({ input, terminal: false });
  let abort = () => {};
  const answered = new Promise<T | undefined>((resolve, reject) => {
    abort = () => {
      output.write("\n");
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    lines.on("close", () => resolve(undefined));
    lines.on("line", (line) => {
      const answer = question.answer(line);
      if (answer === undefined) output.write(question.again);
      else resolve(answer);
    });
    output.write(question.text);
  });
  return answered.finally(() => {
    signal.removeEventListener("abort", abort);
    lines.close();
  });
}
