/** Which options an endpoint's calls have, and of what kind. */
import {
  AMOUNT,
  ANY,
  bytesOf,
  CALL,
  checkOptions,
  either,
  FLAG,
  listOf,
  NUMBER,
  nested,
  oneOf,
  RATE,
  type Rule,
  type Rules,
  SIGNAL,
  TEXT,
} from "../base/check-options.ts";
import type { CastOptions } from "../multicast/cast/contract.ts";
import { KEY_BYTES } from "../noise/identity.ts";
import { FIRST_PROGRAM_CODE } from "../session/close-codes.ts";
import { writeLimits } from "../wire/limits.ts";
import { Identity } from "./identity.ts";
import { checkDiscovery, type EndpointOptions, limitsOf } from "./options.ts";
import { servicePrefix } from "./service.ts";

const TEXTS: Rule = listOf(TEXT);
const IDENTITY: Rule = {
  is: "an Identity, as `await Identity.load()` gives",
  fits: (value) => value instanceof Identity,
};

const LIMITS: Rules = {
  connectionCreditBytes: AMOUNT,
  streamCreditBytes: AMOUNT,
  bidirectionalStreams: AMOUNT,
  unidirectionalStreams: AMOUNT,
  largestPacketBytes: AMOUNT,
  idleSeconds: AMOUNT,
  handshakesPerSecond: AMOUNT,
  handshakesPerSourcePerSecond: AMOUNT,
  handshakesPerSourceBurst: AMOUNT,
};

const DISCOVERY: Rules = {
  mode: ANY,
  scope: ANY,
  groups: TEXTS,
  interfaces: TEXTS,
  bitsPerSecond: AMOUNT,
};

const ENDPOINT: Rules = {
  identity: IDENTITY,
  bind: TEXTS,
  // The backend is checked where it is chosen, who is allowed where it is asked.
  backend: ANY,
  allow: ANY,
  limits: nested(LIMITS),
  byKey: FLAG,
  services: TEXTS,
  network: TEXT,
  congestion: oneOf("rate", "cubic"),
  discovery: nested(DISCOVERY),
  signal: SIGNAL,
};

const CONNECT: Rules = { signal: SIGNAL, timeoutMs: AMOUNT };
const TICKET: Rules = { offer: FLAG, lifetimeMs: NUMBER, addresses: TEXTS };
const KEYS: Rule = listOf(bytesOf(KEY_BYTES));
const CAST: Rules = {
  minReceivers: AMOUNT,
  waitMs: AMOUNT,
  admit: either(oneOf("open", "secret"), either(KEYS, CALL)),
  announce: FLAG,
  policy: oneOf("slowest", "required", "fast"),
  required: KEYS,
  floor: AMOUNT,
  rate: RATE,
  packetBytes: AMOUNT,
  group: TEXT,
  signal: SIGNAL,
};
const RECEIVE_CAST: Rules = { signal: SIGNAL, timeoutMs: AMOUNT, onProgress: CALL };
const PRIORITY: Rule = oneOf(0, 1, 2, 3, 4, 5, 6, 7);
const STREAM: Rules = { service: TEXT, priority: PRIORITY, unidirectional: FLAG, signal: SIGNAL };

/**
 * @throws {TypeError} for what is no option, or cannot be meant
 * @throws {RangeError} for a limit that does not fit its field
 */
export function checkEndpointOptions(options: EndpointOptions): void {
  // Without an identity there is nobody to be.
  checkOptions("Endpoint.open", { ...options, identity: options?.identity ?? null }, ENDPOINT);
  checkDiscovery(options.discovery);
  writeLimits(limitsOf(options.limits));
  for (const service of options.services ?? []) servicePrefix(service);
}

/** Lower ones are the protocol's own words, and would be taken for them. */
const CLOSE: Rules = {
  code: {
    is: `0, or ${FIRST_PROGRAM_CODE} to 65535`,
    fits: (code) =>
      code === 0 ||
      (Number.isInteger(code) && Number(code) >= FIRST_PROGRAM_CODE && Number(code) <= 0xffff),
  },
  reason: TEXT,
};

export function checkCast(options: CastOptions): void {
  checkOptions("a cast", options, CAST);
  if ((options.policy === "required") !== (options.required !== undefined))
    throw new TypeError(
      'policy "required" of a cast and its list of required keys belong together',
    );
}
export const checkReceiveCast = (options: unknown): void =>
  checkOptions("receiveCast", options, RECEIVE_CAST);
export const checkClose = (options: unknown): void => checkOptions("close", options, CLOSE);
export const checkConnect = (options: unknown): void => checkOptions("connect", options, CONNECT);
export const checkTicket = (options: unknown): void => checkOptions("ticket", options, TICKET);
export const checkStream = (options: unknown): void => checkOptions("openStream", options, STREAM);
