import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Sink } from "./reporter.ts";

/**
 * Asks a question that an empty line answers with yes.
 *
 * The terminal stays in line mode (`terminal: false`), so Ctrl-C is a signal as ever.
 *
 * @returns undefined when the input ends without an answer
 */
export function askYesNo(
  question: string,
  input: Readable,
  output: Sink,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const lines = createInterface({ input, terminal: false });
  return new Promise<boolean | undefined>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    lines.on("close", () => resolve(undefined));
    lines.on("line", (line) => {
      const answer = answerOf(line);
      if (answer === undefined) output.write("Please answer y or n: ");
      else resolve(answer);
    });
    output.write(`${question} [Y/n] `);
  }).finally(() => lines.close());
}

/** @returns undefined for anything but yes, no or an empty line. */
export function answerOf(line: string): boolean | undefined {
  const word = line.trim().toLowerCase();
  if (word === "" || word === "y" || word === "yes") return true;
  return word === "n" || word === "no" ? false : undefined;
}
