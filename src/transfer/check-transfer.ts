/** Which options transfers have, and of what kind. */
import {
  AMOUNT,
  bytesOf,
  CALL,
  checkOptions,
  either,
  FLAG,
  nested,
  oneOf,
  type Rule,
  type Rules,
  SIGNAL,
  TEXT,
} from "../base/check-options.ts";
import { TRANSFER_ID_BYTES } from "./hashes.ts";

const STREAM: Rule = {
  is: "a stream of the service transfer/1",
  fits: (value) => typeof Object(value).pipe === "function",
};

const SEND: Rules = {
  signal: SIGNAL,
  transferId: bytesOf(TRANSFER_ID_BYTES),
  journal: TEXT,
  portable: FLAG,
  rejectPartial: FLAG,
};

const TAKE: Rules = {
  signal: SIGNAL,
  accept: either(oneOf("all"), CALL),
  onConflict: either(oneOf("skip", "rename", "overwrite"), CALL),
  durable: FLAG,
  portable: FLAG,
  limits: nested({ entries: AMOUNT, bytes: AMOUNT }),
  rejectPartial: FLAG,
};

const RECEIVE: Rules = { ...TAKE, stream: STREAM };
const RECEIVE_CAST: Rules = { ...TAKE, timeoutMs: AMOUNT, onProgress: CALL, onReceipt: CALL };

/** @throws {TypeError} for what is no session or no option, or cannot be meant */
export function checkSend(session: unknown, options: unknown): void {
  checkSession("sendFiles", session);
  checkOptions("sendFiles", options, SEND);
}

/** @throws {TypeError} for what is no session, no folder or no option, or cannot be meant */
export function checkReceive(session: unknown, directory: unknown, options: unknown): void {
  checkSession("receiveFiles", session);
  checkDirectory("receiveFiles", directory);
  checkOptions("receiveFiles", options, RECEIVE);
}

/** @throws {TypeError} for what cannot be meant; the other options are the cast's own */
export function checkCastFiles(options: unknown): void {
  checkOptions("castFiles", options, { portable: FLAG, id: bytesOf(TRANSFER_ID_BYTES) });
}

/** @throws {TypeError} for what is no folder or no option, or cannot be meant */
export function checkReceiveCast(directory: unknown, options: unknown): void {
  checkDirectory("receiveCast", directory);
  checkOptions("receiveCast", options, RECEIVE_CAST);
}

function checkSession(what: string, session: unknown): void {
  if (typeof Object(session).openStream === "function") return;
  throw new TypeError(`${what} takes a session, as \`await endpoint.connect(ticket)\` gives`);
}

/** The empty path is the current folder to some, and nothing to others. */
function checkDirectory(what: string, directory: unknown): void {
  if (typeof directory === "string" && directory !== "") return;
  throw new TypeError(`${what} takes the path of a folder`);
}
