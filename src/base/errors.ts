/** Every code this package throws or reports: add, never rename. Meaning and remedy: docs/ERRORS.md. */
export const ERROR_CODES = [
  "MP2P_BACKEND_MISSING",
  "MP2P_SOCKET",
  "MP2P_PORT_IN_USE",
  "MP2P_NO_NETWORK",
  "MP2P_NO_MULTICAST",
  "MP2P_NO_ADDRESS",
  "MP2P_NO_PATH",
  "MP2P_TIMEOUT",
  "MP2P_WEAK_KEY",
  "MP2P_WEAK_SECRET",
  "MP2P_KEY_INVALID",
  "MP2P_IDENTITY",
  "MP2P_TICKET_INVALID",
  "MP2P_TICKET_EXPIRED",
  "MP2P_WRONG_PEER",
  "MP2P_VERSION",
  "MP2P_NOT_ALLOWED",
  "MP2P_CLOSED",
  "MP2P_PEER_RESTARTED",
  "MP2P_IDLE",
  "MP2P_PROTOCOL",
  "MP2P_STREAM_RESET",
  "MP2P_STREAM_STOPPED",
  "MP2P_NO_SUCH_SERVICE",
  "MP2P_LIMIT",
  "MP2P_REFUSED",
  "MP2P_NAME",
  "MP2P_EXISTS",
  "MP2P_SOURCE",
  "MP2P_SOURCE_CHANGED",
  "MP2P_INTEGRITY",
  "MP2P_DISK_FULL",
  "MP2P_PERMISSION",
  "MP2P_TARGET",
  "MP2P_PARTIAL",
  "MP2P_USAGE",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface Mp2pErrorOptions extends ErrorOptions {
  /** What to do next, one sentence for a person. */
  readonly hint?: string;
}

/** The one error class of this package; match on `code`, not on the class or the message. */
export class Mp2pError extends Error {
  override readonly name = "Mp2pError";
  readonly code: ErrorCode;
  /** What to do next, where there is something to do. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: Mp2pErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.hint = options.hint;
  }
}
