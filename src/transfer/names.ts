/**
 * Names are hostile input. A path on the wire is relative, "/"-separated UTF-8; what may not become a
 * file here is refused with its own reason, never renamed. Sources: research of receivers that were
 * attacked (docs/SECURITY.md), and Microsoft's "Naming Files, Paths, and Namespaces".
 */
import { isPrintable, printable } from "./printable.ts";

/** NAME_MAX and PATH_MAX of Linux; shorter limits show as an error of the file system. */
const MOST_COMPONENT_BYTES = 255;
const MOST_PATH_BYTES = 4096;

/** Folder for unfinished transfers, in the target. */
export const INBOX_FOLDER = ".mp2p";

const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?$/i;
const WINDOWS_ONLY = /[<>:"|?*]/;

export interface NameRules {
  /**
   * Undefined: names no common system can take are refused, whichever this one is. True: also names
   * that Windows or macOS cannot hold side by side or at all. False: only what is harmful here.
   */
  readonly portable: boolean | undefined;
  readonly windows: boolean;
}

export function namesHere(portable: boolean | undefined): NameRules {
  return { portable, windows: process.platform === "win32" };
}

/** @returns why the path is refused, or undefined where it may be used. */
export function whyNotPath(path: string, rules: NameRules): string | undefined {
  if (path === "") return "a name is empty";
  if (path.includes("\0")) return `${printable(path)} contains a zero byte`;
  if (path.startsWith("/")) return `${printable(path)} is an absolute path`;
  if (Buffer.byteLength(path) > MOST_PATH_BYTES) {
    return `the path ${printable(path)} is longer than ${MOST_PATH_BYTES} bytes`;
  }
  for (const component of path.split("/")) {
    const why = whyNotComponent(component) ?? whyNotForeign(component, rules);
    if (why !== undefined) return `${printable(path)}: ${why}`;
  }
  return undefined;
}

function whyNotComponent(name: string): string | undefined {
  if (name === "") return "a part of the path is empty";
  if (name === ".") return 'a part of the path is "."';
  if (name === "..") return 'the path climbs out with ".."';
  if (Buffer.byteLength(name) > MOST_COMPONENT_BYTES) {
    return `a part of the path is longer than ${MOST_COMPONENT_BYTES} bytes`;
  }
  if (/\p{Cs}/u.test(name)) return "a part of the path is not Unicode";
  if (!isPrintable(name)) return "a control or text-direction character is in the path";
  if (isInbox(name)) return `${INBOX_FOLDER} is kept for unfinished transfers`;
  return undefined;
}

/** Names that are harmless here and dangerous or impossible on another system. */
function whyNotForeign(name: string, rules: NameRules): string | undefined {
  if (rules.portable === false && !rules.windows) return undefined;
  if (name.includes("\\")) return "a backslash separates folders on Windows";
  if (/^[a-z]:/i.test(name)) return "a drive letter";
  if (DEVICE.test(name)) return "the name of a device on Windows";
  if (/[. ]$/.test(name)) return "a part of the path ends in a dot or a space";
  if ((rules.portable || rules.windows) && WINDOWS_ONLY.test(name)) {
    return 'one of < > : " | ? * is in the path';
  }
  return undefined;
}

/**
 * Only leading ".." are allowed, no more than the link's own folders below the root: then no chain of
 * links leads out, because the folders a link lies in are real.
 *
 * @param path - where the link is to be, already found to be a fit path
 * @returns why the link is refused
 */
export function whyNotLink(path: string, target: string): string | undefined {
  const shown = `the link ${printable(path)} -> ${printable(target)}`;
  if (target === "") return `${shown} has no target`;
  if (Buffer.byteLength(target) > MOST_PATH_BYTES) return `${shown} is too long`;
  if (!isPrintable(target)) return `${shown} has a control or text-direction character`;
  if (target.startsWith("/") || target.includes("\\") || /^[a-z]:/i.test(target)) {
    return `${shown} is absolute: it means another file on another machine`;
  }
  const parts = target.split("/");
  let up = 0;
  while (parts[up] === "..") up++;
  if (parts.includes("..", up)) return `${shown} turns back with ".." in its middle`;
  if (up > path.split("/").length - 2) return `${shown} leads out of what is sent`;
  if (parts.some(isInbox)) return `${shown} leads into the inbox`;
  return undefined;
}

/** Also spellings that HFS+ takes for the same, which ignores invisible characters. */
function isInbox(name: string): boolean {
  if (/^[!-\-/-~]/.test(name)) return false;
  return fold(name.replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "")) === INBOX_FOLDER;
}

/** One spelling for names that a case-insensitive, normalising file system takes for the same. */
export function fold(name: string): string {
  return name.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}
