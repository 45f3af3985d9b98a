import { EXIT_OF_SIGNAL, type InterruptingSignal } from "./exit-codes.ts";
import { Interruption } from "./failure.ts";

/** How long an orderly end may take before the process ends anyway; state on disk survives both. */
const GRACE_MS = 5000;

const SIGNALS = Object.keys(EXIT_OF_SIGNAL) as InterruptingSignal[];

/**
 * Turns the first Ctrl-C, SIGTERM or closing of the terminal into an abort; the second, or five more seconds, ends the process.
 *
 * @param onLateExit - called just before such an end, to leave the screen and the output in order
 */
export function abortOnSignals(onLateExit: (interruption: Interruption) => void): AbortSignal {
  const controller = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const interruption = new Interruption(signal);
      const exit = () => {
        onLateExit(interruption);
        process.exit(EXIT_OF_SIGNAL[signal]);
      };
      if (controller.signal.aborted) exit();
      controller.abort(interruption);
      setTimeout(exit, GRACE_MS).unref();
    });
  }
  return controller.signal;
}
