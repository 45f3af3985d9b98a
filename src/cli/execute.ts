/** Runs one command: where it reports, when it stops, and with which code it ends. */
import { contactNames } from "./contacts.ts";
import type { Context } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { CliError, errorEvent, exitCodeOf, Interruption } from "./failure.ts";
import { abortOnSignals } from "./interrupt.ts";
import { JsonReporter } from "./json-reporter.ts";
import type { GlobalOptions } from "./options.ts";
import { flushed, ReaderGone } from "./outputs.ts";
import type { Reporter } from "./reporter.ts";

export interface CommandTraits {
  /** The command line for the other device. */
  readonly usageOf?: (ticket: string) => string;
  /** Stdout carries data, so events and results go to stderr. */
  readonly isPipe?: boolean;
  /** Transfers come from anybody, so people are told from whom. */
  readonly isInbox?: boolean;
  /** How to go on after Ctrl-C. */
  readonly continueHint?: string;
}

/** @param lost - aborts when output cannot be written */
export async function execute(
  options: GlobalOptions,
  traits: CommandTraits,
  command: (context: Context) => Promise<void>,
  lost: AbortSignal,
): Promise<ExitCode> {
  const reporter = await reporterFor(options, traits);
  const end = (error: unknown) => {
    // As with SIGPIPE: there is nobody left to tell.
    if (!(error instanceof ReaderGone)) reporter.emit(errorEvent(withHint(error, traits)));
    reporter.close();
  };
  const { env, stdin, stdout, stderr } = process;
  const signal = AbortSignal.any([abortOnSignals(end), lost]);
  try {
    await command({ reporter, signal, env, stdin, stdout, now: () => performance.now() });
    reporter.close();
    await Promise.all([flushed(stdout), flushed(stderr)]);
    lost.throwIfAborted();
    return EXIT.done;
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error;
    end(reason);
    if (options.verbose && !options.json) console.error(error);
    await Promise.allSettled([flushed(stdout), flushed(stderr)]);
    return exitCodeOf(reason);
  }
}

/** What lays out screens is loaded where there are people only. */
async function reporterFor(
  options: GlobalOptions,
  { usageOf, isPipe = false, isInbox = false }: CommandTraits,
): Promise<Reporter> {
  const { stdin, stdout, stderr, env } = process;
  if (options.json) return new JsonReporter(isPipe ? stderr : stdout, () => Date.now());
  const { HumanReporter } = await import("./human-reporter.ts");
  return new HumanReporter({
    stdin,
    stdout,
    stderr,
    env,
    usageOf,
    nameOf: contactNames(),
    now: () => performance.now(),
    isQuiet: options.quiet === true,
    isVerbose: options.verbose === true,
    wantsColor: options.color,
    isStdoutTaken: isPipe,
    tellsFrom: isInbox,
  });
}

function withHint(error: unknown, { continueHint }: CommandTraits): unknown {
  if (!(error instanceof Interruption) || continueHint === undefined) return error;
  return new CliError("MP2P_INTERRUPTED", error.message, continueHint);
}
