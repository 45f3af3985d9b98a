import { EXIT } from "./exit-codes.ts";
import { Interruption } from "./failure.ts";

/** How long an orderly end may take before the process ends anyway; state on disk survives both. */
const GRACE_MS = 5000;

/**
 * Turns the first Ctrl-C or SIGTERM into an abort; the second, or five more seconds, ends the process.
 *
 * @param onLateExit - called just before such an end, to leave the screen and the output in order
 */
export function abortOnSignals(onLateExit: (interruption: Interruption) => void): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      const interruption = new Interruption(signal);
      const exit = () => {
        onLateExit(interruption);
        process.exit(signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated);
      };
      if (controller.signal.aborted) exit();
      controller.abort(interruption);
      setTimeout(exit, GRACE_MS).unref();
    });
  }
  return controller.signal;
}
