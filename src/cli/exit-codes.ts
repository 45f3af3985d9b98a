/** Exit codes, stable for scripts: docs/CLI.md, "Exit codes". */
import type { ErrorCode } from "../index.ts";

/** Codes only a command can end with: a signal, or a defect of this program. */
export type CliErrorCode = ErrorCode | "MP2P_INTERRUPTED" | "MP2P_INTERNAL";

export const EXIT = {
  done: 0,
  error: 1,
  usage: 2,
  notFound: 3,
  noPath: 4,
  refused: 5,
  wrongIdentity: 6,
  integrity: 7,
  disk: 8,
  exists: 9,
  partial: 10,
  timeout: 11,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export type InterruptingSignal = "SIGHUP" | "SIGINT" | "SIGTERM";

/** As a shell has it: 128 and the signal's number. */
export const EXIT_OF_SIGNAL: Readonly<Record<InterruptingSignal, ExitCode>> = {
  SIGHUP: EXIT.hungUp,
  SIGINT: EXIT.interrupted,
  SIGTERM: EXIT.terminated,
};

/** The compiler demands an entry for every error code. */
export const EXIT_OF_CODE: Readonly<Record<CliErrorCode, ExitCode>> = {
  MP2P_BACKEND_MISSING: EXIT.error,
  MP2P_SOCKET: EXIT.error,
  MP2P_PORT_IN_USE: EXIT.error,
  MP2P_NO_NETWORK: EXIT.noPath,
  MP2P_NO_MULTICAST: EXIT.noPath,
  MP2P_NO_ADDRESS: EXIT.notFound,
  MP2P_NO_PATH: EXIT.noPath,
  MP2P_TIMEOUT: EXIT.timeout,
  MP2P_WEAK_KEY: EXIT.wrongIdentity,
  MP2P_WEAK_SECRET: EXIT.usage,
  MP2P_KEY_INVALID: EXIT.usage,
  MP2P_IDENTITY: EXIT.error,
  MP2P_TICKET_INVALID: EXIT.usage,
  MP2P_TICKET_EXPIRED: EXIT.notFound,
  MP2P_WRONG_PEER: EXIT.wrongIdentity,
  MP2P_VERSION: EXIT.error,
  MP2P_NOT_ALLOWED: EXIT.refused,
  MP2P_CLOSED: EXIT.error,
  MP2P_PEER_RESTARTED: EXIT.error,
  MP2P_IDLE: EXIT.timeout,
  MP2P_PROTOCOL: EXIT.error,
  MP2P_STREAM_RESET: EXIT.error,
  MP2P_STREAM_STOPPED: EXIT.error,
  MP2P_NO_SUCH_SERVICE: EXIT.refused,
  MP2P_LIMIT: EXIT.error,
  MP2P_REFUSED: EXIT.refused,
  MP2P_NAME: EXIT.disk,
  MP2P_EXISTS: EXIT.exists,
  MP2P_SOURCE: EXIT.disk,
  MP2P_SOURCE_CHANGED: EXIT.integrity,
  MP2P_INTEGRITY: EXIT.integrity,
  MP2P_DISK_FULL: EXIT.disk,
  MP2P_PERMISSION: EXIT.disk,
  MP2P_TARGET: EXIT.disk,
  MP2P_PARTIAL: EXIT.partial,
  MP2P_USAGE: EXIT.usage,
  MP2P_INTERRUPTED: EXIT.interrupted,
  MP2P_INTERNAL: EXIT.error,
};
