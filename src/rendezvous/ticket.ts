/**
 * A ticket: all that is needed to reach an endpoint, as text to copy. docs/PROTOCOL.md, "Tickets".
 *
 *   version 1 | flags 1 | key 32 | [instance 8] | n 1 | {kind 1 | ip 4 or 16 | port 2} * n
 *   | [expires 4] | [offer token 16] | [cast id 16] | [cast secret 16] | checksum 4
 *
 * in z-base-32 behind "mp2p1". The checksum is CRC-32C over all bytes before it: it finds every burst
 * of errors up to 32 bits, so no mangled letter (5 bits) passes, nor six neighbours. It guards against
 * typing and pasting, not against malice: the handshake proves the key.
 */
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import { concat, viewOf } from "../base/bytes.ts";
import { crc32c } from "../base/crc32c.ts";
import { Mp2pError } from "../base/errors.ts";
import { fromZbase32, toZbase32 } from "../base/zbase32.ts";
import { KEY_HINT } from "../noise/identity.ts";
import { isTicketCandidate, isTicketGroup } from "./ticket-candidate.ts";

export const TICKET_PREFIX = "mp2p1";
/** WIRE item 19: a caller sends one INIT to each candidate, so a ticket is no amplifier. */
export const TICKET_CANDIDATES_MAX = 32;

const VERSION = 1;
const FLAG = { instance: 1, sameHost: 2, expires: 4, token: 8, cast: 16, castSecret: 32 } as const;
const KNOWN_FLAGS = 63;
const KIND = { ipv4: 1, ipv6: 2, groupIpv6: 3, groupIpv4: 4 } as const;
const BYTES = { key: 32, instance: 8, expires: 4, token: 16, cast: 16, checksum: 4 } as const;
const WHOLE: string = `copy the whole line that \`mp2p send\`, \`cast\` or \`listen\` printed on the other device: it starts with ${TICKET_PREFIX}`;
const NEWER = "update mp2p on this device";

export interface Ticket {
  /** The peer's Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  /** Which endpoint of that key, 8 bytes; without it, any that accepts strangers. */
  readonly instance?: Uint8Array;
  /** `"192.0.2.1:5000"` or `"[2001:db8::1]:5000"`, at most 32, in the order to try. */
  readonly candidates: readonly string[];
  /** Groups it listens on besides those of its key, `"[ff3e:…]:6727"`; with the candidates at most 32. */
  readonly groups?: readonly string[];
  /** Made for a peer on the same machine: only then may a candidate be a loopback address. */
  readonly sameHost?: boolean;
  /** One-use right to what is offered, 16 bytes: a secret. */
  readonly token?: Uint8Array;
  /** Unix seconds, up to 2^32 - 1; after it the issuer has forgotten the token. */
  readonly expires?: number;
  /** What is to be received is this cast of the key's, 16 bytes. */
  readonly castId?: Uint8Array;
  /** Lets its bearers receive that cast, 16 bytes; not used up. */
  readonly castSecret?: Uint8Array;
}

/**
 * @throws {TypeError | RangeError} for a field of the wrong size and for a candidate that is no
 * address or that no ticket may name (`isTicketCandidate`)
 */
export function formatTicket(ticket: Ticket): string {
  const { key, instance, candidates, groups = [], sameHost = false, expires, token } = ticket;
  const { castId, castSecret } = ticket;
  const count = candidates.length + groups.length;
  if (count > TICKET_CANDIDATES_MAX) {
    throw new RangeError(`a ticket holds at most ${TICKET_CANDIDATES_MAX} candidates and groups`);
  }
  const flags =
    (instance === undefined ? 0 : FLAG.instance) |
    (sameHost ? FLAG.sameHost : 0) |
    (expires === undefined ? 0 : FLAG.expires) |
    (token === undefined ? 0 : FLAG.token) |
    (castId === undefined ? 0 : FLAG.cast) |
    (castSecret === undefined ? 0 : FLAG.castSecret);
  const body = concat(
    Uint8Array.of(VERSION, flags),
    sized("key", key, BYTES.key),
    sized("instance", instance, BYTES.instance),
    Uint8Array.of(count),
    ...candidates.map((candidate) => candidateBytes(candidate, sameHost)),
    ...groups.map(groupBytes),
    expires === undefined ? new Uint8Array() : uint32(expires),
    sized("token", token, BYTES.token),
    sized("cast id", castId, BYTES.cast),
    sized("cast secret", castSecret, BYTES.cast),
  );
  return TICKET_PREFIX + toZbase32(concat(body, uint32(crc32c(body))));
}

/**
 * @param text - white space around it and upper case are forgiven
 * @throws {Mp2pError} `MP2P_TICKET_INVALID`, saying what is wrong with it
 */
export function parseTicket(text: string): Ticket {
  if (typeof text !== "string") throw invalid("it is no text");
  const bytes = decode(text.trim().toLowerCase());
  const body = bytes.subarray(0, bytes.length - BYTES.checksum);
  if (crc32c(body) !== viewOf(bytes).getUint32(body.length)) throw mangled(body);
  if (body[0] !== VERSION) throw invalid(`its version is ${body[0]}`, NEWER);
  if (((body[1] as number) & ~KNOWN_FLAGS) !== 0) throw invalid("it uses a newer feature", NEWER);
  const reader = new FieldReader(body);
  const ticket = readTicket(reader);
  if (reader.rest !== 0) throw invalid("its parts do not add up", NEWER);
  return ticket;
}

/** Whether the text is a ticket for a cast; false for anything that is no ticket. */
export function isCastTicket(text: string): boolean {
  try {
    return parseTicket(text).castId !== undefined;
  } catch {
    return false;
  }
}

/** @param nowSeconds - unix time; a ticket without an expiry never expires */
export function isTicketExpired(ticket: Ticket, nowSeconds: number): boolean {
  return ticket.expires !== undefined && nowSeconds > ticket.expires;
}

function decode(text: string): Uint8Array {
  if (!text.startsWith(TICKET_PREFIX))
    throw invalid(`it does not start with ${TICKET_PREFIX}`, `${WHOLE}; ${KEY_HINT}`);
  const foreign = /[^ybndrfg8ejkmcpqxot1uwisza345h769]/.exec(text.slice(TICKET_PREFIX.length));
  if (foreign !== null) {
    const at = TICKET_PREFIX.length + foreign.index + 1;
    throw invalid(`character ${at}, ${JSON.stringify(foreign[0])}, occurs in no ticket`);
  }
  const bytes = fromZbase32(text.slice(TICKET_PREFIX.length));
  if (bytes === undefined) throw invalid("its last letter is mistyped or missing");
  if (bytes.length < 2 + BYTES.checksum) throw invalid("its end is missing");
  return bytes;
}

/** Why a checksum fails, as far as the fields before it tell. */
function mangled(body: Uint8Array): Mp2pError {
  const reader = new FieldReader(body);
  let isCutOff = false;
  try {
    readTicket(reader);
  } catch {
    isCutOff = reader.rest < 0;
  }
  return invalid(isCutOff ? "its end is missing" : "a letter is mistyped, missing or too many");
}

function readTicket(reader: FieldReader): Ticket {
  const flags = reader.take(2)[1] as number;
  const key = reader.take(BYTES.key);
  const instance = flags & FLAG.instance ? reader.take(BYTES.instance) : undefined;
  const sameHost = (flags & FLAG.sameHost) !== 0;
  const count = reader.take(1)[0] as number;
  if (count > TICKET_CANDIDATES_MAX) throw invalid(`it names ${count} addresses`);
  const named = Array.from({ length: count }, () => readNamed(reader, sameHost));
  const groups = named.filter(({ isGroup }) => isGroup).map(({ text }) => text);
  const expires =
    flags & FLAG.expires ? viewOf(reader.take(BYTES.expires)).getUint32(0) : undefined;
  const token = flags & FLAG.token ? reader.take(BYTES.token) : undefined;
  const castId = flags & FLAG.cast ? reader.take(BYTES.cast) : undefined;
  const castSecret = flags & FLAG.castSecret ? reader.take(BYTES.cast) : undefined;
  return {
    key,
    candidates: named.filter(({ isGroup }) => !isGroup).map(({ text }) => text),
    ...(groups.length > 0 && { groups }),
    ...(instance && { instance }),
    ...(sameHost && { sameHost }),
    ...(expires !== undefined && { expires }),
    ...(token && { token }),
    ...(castId && { castId }),
    ...(castSecret && { castSecret }),
  };
}

interface Named {
  readonly text: string;
  readonly isGroup: boolean;
}

function readNamed(reader: FieldReader, sameHost: boolean): Named {
  const kind = reader.take(1)[0] as number;
  const isIpv4 = kind === KIND.ipv4 || kind === KIND.groupIpv4;
  if (!isIpv4 && kind !== KIND.ipv6 && kind !== KIND.groupIpv6)
    throw invalid(`it names a path of kind ${kind}`, NEWER);
  const bytes = reader.take(isIpv4 ? 4 : 16);
  const port = viewOf(reader.take(2)).getUint16(0);
  const address: Address = { family: isIpv4 ? 4 : 6, bytes, port };
  const text = formatAddress(address);
  const isGroup = kind === KIND.groupIpv4 || kind === KIND.groupIpv6;
  if (isGroup ? !isTicketGroup(address) : !isTicketCandidate(address, sameHost))
    throw invalid(`it names ${text}, which no peer can have`);
  return { text, isGroup };
}

function candidateBytes(text: string, sameHost: boolean): Uint8Array {
  const address = addressOf(text);
  if (!isTicketCandidate(address, sameHost)) throw new RangeError(`no ticket may name ${text}`);
  return namedBytes(address.family === 4 ? KIND.ipv4 : KIND.ipv6, address);
}

function groupBytes(text: string): Uint8Array {
  const address = addressOf(text);
  if (!isTicketGroup(address)) throw new RangeError(`no ticket may name ${text} as a group`);
  return namedBytes(address.family === 4 ? KIND.groupIpv4 : KIND.groupIpv6, address);
}

function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  throw new TypeError(`not an address with a port: ${JSON.stringify(text)}`);
}

function namedBytes(kind: number, { bytes, port }: Address): Uint8Array {
  return concat(Uint8Array.of(kind), bytes, Uint8Array.of(port >> 8, port & 0xff));
}

function sized(name: string, bytes: Uint8Array | undefined, length: number): Uint8Array {
  if (bytes === undefined) return new Uint8Array();
  if (bytes.length !== length) throw new RangeError(`a ticket's ${name} has ${length} bytes`);
  return bytes;
}

function uint32(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(`not an unsigned 32-bit integer: ${value}`);
  }
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

function invalid(why: string, hint = WHOLE): Mp2pError {
  return new Mp2pError("MP2P_TICKET_INVALID", `this is not a valid ticket: ${why}`, { hint });
}

/** Takes fields from the front; `rest` turns negative, and the field is refused, at the first one cut off. */
class FieldReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get rest(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Uint8Array {
    const field = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    if (field.length < length) throw invalid("its end is missing");
    return field;
  }
}
