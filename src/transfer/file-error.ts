/** Errors of the file system as errors of this package: what failed, on which name, what to do. */
import { ERROR_CODES, type ErrorCode, Mp2pError } from "../base/errors.ts";
import { errnoOf } from "./file-calls.ts";
import { printable } from "./printable.ts";

const CODE_OF: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: "MP2P_DISK_FULL",
  EDQUOT: "MP2P_DISK_FULL",
  EFBIG: "MP2P_DISK_FULL",
  EACCES: "MP2P_PERMISSION",
  EPERM: "MP2P_PERMISSION",
  EROFS: "MP2P_PERMISSION",
  ENAMETOOLONG: "MP2P_NAME",
  EILSEQ: "MP2P_NAME",
  EMFILE: "MP2P_LIMIT",
  ENFILE: "MP2P_LIMIT",
};

const HINT_OF: Partial<Record<ErrorCode, string>> = {
  MP2P_DISK_FULL: "Free some space and send again: what arrived is kept and the transfer resumes.",
  MP2P_PERMISSION: "Check who owns the folder and whether it may be written.",
  MP2P_LIMIT: "Raise the limit of open files (ulimit -n) and send again.",
  MP2P_TARGET: "Check that the target folder still exists, then send again: it resumes.",
  MP2P_SOURCE: "Check that the file still exists and can be read.",
};

/** What a name alone does not say. */
const REASON_OF: Readonly<Record<string, string>> = {
  EXDEV: "EXDEV, as its folder is on another disk than the target",
  EMFILE: "EMFILE, as this process has too many open files",
  ENFILE: "ENFILE, as this machine has too many open files",
};

/**
 * @param fallback - the code of an errno that has no code of its own
 * @param doing - "write", "read": completes "cannot … NAME"
 * @param hint - what to do, where the code does not say
 */
export function fileError(
  error: unknown,
  fallback: "MP2P_TARGET" | "MP2P_SOURCE",
  doing: string,
  name: string,
  hint?: string,
): Mp2pError {
  if (error instanceof Mp2pError) return error;
  const errno = errnoOf(error);
  const code = (errno === undefined ? undefined : CODE_OF[errno]) ?? fallback;
  const said = errno ?? (error instanceof Error ? error.message : String(error));
  const reason = REASON_OF[said] ?? said;
  const advice = hint ?? HINT_OF[code];
  return new Mp2pError(code, `cannot ${doing} ${printable(name)}: ${reason}`, {
    cause: error,
    ...(advice === undefined ? {} : { hint: advice }),
  });
}

/** A code the peer named; one this version does not know counts as a broken protocol. */
export function knownCode(text: string): ErrorCode {
  return (ERROR_CODES as readonly string[]).includes(text) ? (text as ErrorCode) : "MP2P_PROTOCOL";
}
