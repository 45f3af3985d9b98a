/** The addon's errors as the package's own, with what to do next. */
import { ERROR_CODES, type ErrorCode, Mp2pError } from "../../base/errors.ts";

const HINTS: Partial<Record<ErrorCode, string>> = {
  MP2P_PORT_IN_USE: "Choose another port, or port 0 to let the system choose one.",
  MP2P_NO_NETWORK: "Bind to an address of this machine, or to 0.0.0.0 or [::] for all of them.",
  MP2P_PERMISSION: "Ports below 1024 need privileges: choose a higher one.",
  MP2P_NO_MULTICAST:
    "Choose an interface that is up and carries multicast, or reach peers by their addresses.",
  MP2P_LIMIT: "Remove paths and leave groups that are no longer used.",
  MP2P_SOCKET: "Check the limit of open files and threads of this process.",
};

/** Runs `call`; an error that carries one of our codes becomes an Mp2pError, others pass. */
export function translated<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const code = ERROR_CODES.find((known) => known === error.code);
  if (code === undefined) return error;
  const hint = HINTS[code];
  return new Mp2pError(
    code,
    error.message,
    hint === undefined ? { cause: error } : { cause: error, hint },
  );
}
