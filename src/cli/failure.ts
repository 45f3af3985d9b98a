/** From whatever was thrown to the one error a command ends with. */
import type { ErrorEvent } from "./events.ts";
import {
  type CliErrorCode,
  EXIT_OF_CODE,
  EXIT_OF_SIGNAL,
  type ExitCode,
  type InterruptingSignal,
} from "./exit-codes.ts";

const SAID_OF_SIGNAL: Readonly<Record<InterruptingSignal, string>> = {
  SIGHUP: "the terminal was closed",
  SIGINT: "interrupted",
  SIGTERM: "terminated",
};

/** A signal asked the command to stop. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly signal: InterruptingSignal;

  constructor(signal: InterruptingSignal) {
    super(SAID_OF_SIGNAL[signal]);
    this.signal = signal;
  }
}

/** A mistake in how the command was called, or another end that this program itself decides on. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;
  readonly hint: string | undefined;

  constructor(code: CliErrorCode, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

const OF_SYSTEM_ERROR: Readonly<Record<string, CliErrorCode>> = {
  ENOENT: "MP2P_SOURCE",
  ENOSPC: "MP2P_DISK_FULL",
  EDQUOT: "MP2P_DISK_FULL",
  EACCES: "MP2P_PERMISSION",
  EPERM: "MP2P_PERMISSION",
  EROFS: "MP2P_PERMISSION",
  EADDRINUSE: "MP2P_PORT_IN_USE",
  ENETUNREACH: "MP2P_NO_NETWORK",
};

/** What to do where the error does not say: one file's, or the peer's. */
const HINT_OF_CODE: Partial<Record<CliErrorCode, string>> = {
  MP2P_CLOSED: "run the command again: a transfer resumes",
  MP2P_TIMEOUT: "try again with a new ticket, and let the side that waits do so longer: --wait",
  MP2P_REFUSED: "ask the receiver; where nobody sits at it, start it with --yes or --accept",
  MP2P_NAME: "rename it at the source",
  MP2P_EXISTS: "start the receiver with --on-conflict skip, rename or overwrite",
  MP2P_SOURCE: "check the path and its permissions",
  MP2P_SOURCE_CHANGED: "send it again when nothing writes to it",
  MP2P_INTEGRITY: "send it again: only what differs is sent",
  MP2P_DISK_FULL: "free some space and run the command again: what arrived is kept",
  MP2P_PERMISSION: "check who owns the file or folder",
  MP2P_TARGET: "check the target folder and run the command again",
};

export function errorEvent(error: unknown): ErrorEvent {
  const { message, hint = HINT_OF_CODE[codeOf(error)] } = Object(error) as {
    message?: string;
    hint?: string;
  };
  const why = causes(error);
  return {
    t: "error",
    code: codeOf(error),
    message: message ?? String(error),
    ...(why === "" ? {} : { why }),
    ...(hint === undefined ? {} : { hint }),
  };
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof Interruption) return EXIT_OF_SIGNAL[error.signal];
  return EXIT_OF_CODE[codeOf(error)];
}

/** @returns `MP2P_INTERNAL` for an error that nobody foresaw. */
export function codeOf(error: unknown): CliErrorCode {
  if (error instanceof Interruption) return "MP2P_INTERRUPTED";
  const code = String((Object(error) as { code?: unknown }).code);
  if (Object.hasOwn(EXIT_OF_CODE, code)) return code as CliErrorCode;
  return (
    (Object.hasOwn(OF_SYSTEM_ERROR, code) ? OF_SYSTEM_ERROR[code] : undefined) ?? "MP2P_INTERNAL"
  );
}

/** The messages of the cause chain, nearest first, each once, and none that the error itself says. */
function causes(error: unknown): string {
  const { message, cause: first } = Object(error) as Error;
  const messages = [message];
  let cause = first;
  while (cause instanceof Error && messages.length <= 8) {
    if (!messages.includes(cause.message)) messages.push(cause.message);
    cause = cause.cause;
  }
  return messages.slice(1).join(": ");
}
