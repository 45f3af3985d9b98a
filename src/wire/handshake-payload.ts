/**
 * What the payloads of INIT, RESP and FIN say. docs/PROTOCOL.md, "Payload TLVs".
 *
 *   1 OBSERVED  address 16 | port 2        2 IDENTITY  kind 1 = 1 | key 32 | signature 64
 *   4 ENDPOINT  instance 8 | epoch 4       6 VERSIONS  1 each, any order
 *   8 SUITES    1 each, preferred first   10 CHOICE    version 1 | suite 1
 *  12 LIMITS    24, limits.ts
 */
import { concat, equalBytes, viewOf } from "../base/bytes.ts";
import { type Limits, parseLimits, writeLimits } from "./limits.ts";
import { parseSocketAddress, writeSocketAddress } from "./socket-address.ts";
import { parseTlvs, type Tlv, writeTlvs } from "./tlv.ts";

const TLV = {
  observed: 1,
  identity: 2,
  endpoint: 4,
  versions: 6,
  suites: 8,
  choice: 10,
  limits: 12,
} as const;
const KNOWN: ReadonlySet<number> = new Set(Object.values(TLV));
/** An Ed25519 key that signs its static key itself; 2 is kept for delegated keys. */
const IDENTITY_KIND = 1;
const IDENTITY = { key: 1, signature: 33, BYTES: 97 } as const;
const ENDPOINT = { epoch: 8, BYTES: 12 } as const;
const CHOICE_BYTES = 2;

export interface IdentityProof {
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  /** Over the static key of the same handshake, 64 bytes. */
  readonly signature: Uint8Array;
}

export interface HandshakePayload {
  readonly observed?: string | undefined;
  readonly identity?: IdentityProof | undefined;
  readonly endpoint?: { readonly instance: Uint8Array; readonly epoch: number } | undefined;
  readonly versions?: readonly number[] | undefined;
  readonly suites?: readonly number[] | undefined;
  readonly choice?: { readonly version: number; readonly suite: number } | undefined;
  readonly limits?: Limits | undefined;
}

/**
 * @param header - copied in front: RESP's and FIN's own header, nothing for INIT
 * @param length - of the whole payload
 */
export function writePayload(
  payload: HandshakePayload,
  header: Uint8Array,
  length: number,
): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(header);
  writeTlvs(tlvsOf(payload), bytes.subarray(header.length));
  return bytes;
}

/** @returns undefined where the copied header differs, or a TLV is malformed, repeated or critical and unknown. */
export function parsePayload(bytes: Uint8Array, header: Uint8Array): HandshakePayload | undefined {
  if (!equalBytes(bytes.subarray(0, header.length), header)) return undefined;
  const values = parseTlvs(bytes.subarray(header.length), KNOWN);
  if (values === undefined) return undefined;
  let malformed = false;
  const read = <Value>(type: number, parse: (value: Uint8Array) => Value | undefined) => {
    const value = values.get(type);
    if (value === undefined) return undefined;
    const parsed = parse(value);
    malformed ||= parsed === undefined;
    return parsed;
  };
  const payload: HandshakePayload = {
    observed: read(TLV.observed, parseSocketAddress),
    identity: read(TLV.identity, parseIdentity),
    endpoint: read(TLV.endpoint, parseEndpoint),
    versions: read(TLV.versions, (value) => [...value]),
    suites: read(TLV.suites, (value) => [...value]),
    choice: read(TLV.choice, parseChoice),
    limits: read(TLV.limits, parseLimits),
  };
  return malformed ? undefined : payload;
}

function tlvsOf(payload: HandshakePayload): Tlv[] {
  const { observed, identity, endpoint, versions, suites, choice, limits } = payload;
  const list: Tlv[] = [];
  const add = (type: number, value: Uint8Array | undefined) => {
    if (value !== undefined) list.push({ type, value });
  };
  add(TLV.versions, versions && Uint8Array.from(versions));
  add(TLV.suites, suites && Uint8Array.from(suites));
  add(TLV.choice, choice && Uint8Array.of(choice.version, choice.suite));
  add(
    TLV.identity,
    identity && concat(Uint8Array.of(IDENTITY_KIND), identity.key, identity.signature),
  );
  add(TLV.endpoint, endpoint && writeEndpoint(endpoint.instance, endpoint.epoch));
  add(TLV.limits, limits && writeLimits(limits));
  add(TLV.observed, observed === undefined ? undefined : writeSocketAddress(observed));
  return list;
}

function parseIdentity(value: Uint8Array): IdentityProof | undefined {
  if (value.length !== IDENTITY.BYTES || value[0] !== IDENTITY_KIND) return undefined;
  return {
    key: value.slice(IDENTITY.key, IDENTITY.signature),
    signature: value.slice(IDENTITY.signature),
  };
}

function writeEndpoint(instance: Uint8Array, epoch: number): Uint8Array {
  const value = new Uint8Array(ENDPOINT.BYTES);
  value.set(instance);
  viewOf(value).setUint32(ENDPOINT.epoch, epoch);
  return value;
}

function parseEndpoint(value: Uint8Array): { instance: Uint8Array; epoch: number } | undefined {
  if (value.length !== ENDPOINT.BYTES) return undefined;
  return {
    instance: value.slice(0, ENDPOINT.epoch),
    epoch: viewOf(value).getUint32(ENDPOINT.epoch),
  };
}

function parseChoice(value: Uint8Array): { version: number; suite: number } | undefined {
  const [version, suite] = value;
  if (value.length !== CHOICE_BYTES || version === undefined || suite === undefined)
    return undefined;
  return { version, suite };
}
