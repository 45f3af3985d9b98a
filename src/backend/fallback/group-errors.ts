import { type Address, formatAddress } from "../../base/address.ts";
import { Mp2pError } from "../../base/errors.ts";

/** A socket holds no more memberships: another one may. */
export const MORE_THAN_A_SOCKET_HOLDS: ReadonlySet<string> = new Set([
  "ENOBUFS",
  "ENOMEM",
  "ETOOMANYREFS",
]);
const MORE_THAN_A_PROCESS_HOLDS: ReadonlySet<string> = new Set(["EMFILE", "ENFILE"]);
const FORBIDDEN: ReadonlySet<string> = new Set(["EPERM", "EACCES"]);

const GENERAL_HINT =
  "Choose an interface that is up and carries multicast, or reach peers by their addresses.";

export function noMulticast(
  message: string,
  hint: string = GENERAL_HINT,
  cause?: unknown,
): Mp2pError {
  return new Mp2pError("MP2P_NO_MULTICAST", message, { hint, cause });
}

/** What the kernel's refusal to bind means for a group. */
export function bindRefused(address: Address, cause: unknown): Mp2pError {
  const text = formatAddress(address);
  const { scope = "", family, port } = address;
  const { code = "", message } = cause as NodeJS.ErrnoException;
  if (MORE_THAN_A_PROCESS_HOLDS.has(code)) return tooMany(text, cause);
  if (code === "EADDRINUSE") {
    const hint = `Another program has port ${port} for itself: end it, or choose another port for groups.`;
    return noMulticast(`cannot share port ${port} for groups on ${scope}`, hint, cause);
  }
  const hint = `Check that ${scope} is up and that IPv${family} is on.`;
  return noMulticast(`cannot open a socket for ${text}: ${message}`, hint, cause);
}

/** What the kernel's refusal to join, or to send by an interface, means. */
export function joinRefused(address: Address, cause: unknown): Mp2pError {
  const text = formatAddress(address);
  const { scope = "", family } = address;
  const { code = "", message } = cause as NodeJS.ErrnoException;
  if (MORE_THAN_A_SOCKET_HOLDS.has(code) || MORE_THAN_A_PROCESS_HOLDS.has(code))
    return tooMany(text, cause);
  const hint = FORBIDDEN.has(code)
    ? `The system forbids groups on ${scope}: check its firewall and privacy settings.`
    : `Check that ${scope} is up, that it carries multicast and that IPv${family} is on.`;
  return noMulticast(`cannot join ${text}: ${message}`, hint, cause);
}

function tooMany(text: string, cause: unknown): Mp2pError {
  return new Mp2pError("MP2P_LIMIT", `no room for ${text}: ${(cause as Error).message}`, {
    hint: "Leave groups that are no longer used, or allow this process more open files.",
    cause,
  });
}
