/**
 * What both ends of a handshake share: what they bring, what comes out, and what they check of each
 * other. The roles are handshake-initiator.ts and handshake-responder.ts. docs/PROTOCOL.md, "Handshake".
 */
import {
  type PacketKeys,
  type Primitives,
  SUITE_AES_256_GCM,
  SUITE_CHACHA20_POLY1305,
  type Suite,
} from "../backend/port.ts";
import { ascii, concat } from "../base/bytes.ts";
import type { NoiseHandshake, NoiseParty } from "../noise/handshake-state.ts";
import { type Identity, staticKeyMessage } from "../noise/identity.ts";
import { type NoisePattern, noisePattern } from "../noise/patterns.ts";
import type { VerifiedStatics } from "../noise/verified-statics.ts";
import { PATTERN, type Pattern } from "../wire/handshake-packets.ts";
import type { IdentityProof } from "../wire/handshake-payload.ts";
import type { Limits } from "../wire/limits.ts";

/** Versions this endpoint speaks, in every INIT's VERSIONS. */
export const VERSIONS: readonly number[] = [1];

export interface HandshakeParty {
  readonly primitives: Primitives;
  readonly identity: Identity;
  /** In order of preference; always with ChaCha20-Poly1305. */
  readonly suites: readonly Suite[];
  /** What this side grants the other. */
  readonly limits: Limits;
  /** 16 bytes, zeros for none. */
  readonly network: Uint8Array;
  /** 32 bytes: only peers that hold it too are spoken to. */
  readonly psk?: Uint8Array;
  /** Spares verifying peers that came before. */
  readonly verifiedStatics?: VerifiedStatics;
}

/** A completed handshake. Takes effect at the first valid packet under its keys, not before. */
export interface Established {
  readonly suite: Suite;
  /** Lane 0. `cid` is the peer's. */
  readonly sendKeys: PacketKeys;
  /** Lane 0. `cid` is ours. */
  readonly receiveKeys: PacketKeys;
  /** Ed25519 public key, 32 bytes, proved. */
  readonly peerKey: Uint8Array;
  /** X25519 static key, 32 bytes, bound to `peerKey`: the next handshake may be IK. */
  readonly peerStatic: Uint8Array;
  /** 8 bytes. */
  readonly peerInstance: Uint8Array;
  readonly epoch: number;
  readonly peerLimits: Limits;
  /** Our address as the peer saw it; only an initiator is told. */
  readonly observed: string | undefined;
  /** 64 bytes only both ends know. */
  readonly exporter: Uint8Array;
  readonly pattern: Pattern;
  readonly initiator: boolean;
}

const NOISE_PATTERNS: Readonly<Record<Pattern, NoisePattern>> = {
  [PATTERN.ik]: noisePattern("IK"),
  [PATTERN.xx]: noisePattern("XX"),
  [PATTERN.ikPsk2]: noisePattern("IKpsk2"),
  [PATTERN.xxPsk3]: noisePattern("XXpsk3"),
};
/** What is left of each packet's Noise message for its payload, by pattern. */
export const PAYLOAD_BYTES: Readonly<
  Record<Pattern, { init: number; response: number; fin: number }>
> = {
  [PATTERN.ik]: { init: 244, response: 252, fin: 0 },
  [PATTERN.xx]: { init: 308, response: 204, fin: 180 },
  [PATTERN.ikPsk2]: { init: 244, response: 252, fin: 0 },
  [PATTERN.xxPsk3]: { init: 292, response: 204, fin: 180 },
};
const PROLOGUE_LABEL: Uint8Array = ascii("mp2p/1\0");

/** IK where the responder's static key is known from a verified source, else XX. */
export function patternFor(party: HandshakeParty, staticKnown: boolean): Pattern {
  if (party.psk === undefined) return staticKnown ? PATTERN.ik : PATTERN.xx;
  return staticKnown ? PATTERN.ikPsk2 : PATTERN.xxPsk3;
}

export function isIk(pattern: Pattern): boolean {
  return pattern === PATTERN.ik || pattern === PATTERN.ikPsk2;
}

/** Pattern, prologue, own keys: what a Noise handshake of this party starts from. */
export function noiseTerms(
  party: HandshakeParty,
  pattern: Pattern,
  initHeader: Uint8Array,
  responderKey: Uint8Array,
): Pick<NoiseParty, "prologue" | "staticKey" | "psks"> & { readonly pattern: NoisePattern } {
  return {
    pattern: NOISE_PATTERNS[pattern],
    prologue: concat(PROLOGUE_LABEL, initHeader, responderKey, party.network),
    staticKey: party.identity.staticKeyPair,
    psks: party.psk === undefined ? [] : [party.psk],
  };
}

/** The proof of our own identity. */
export function ownProof({ key, staticSignature }: Identity): IdentityProof {
  return { key, signature: staticSignature };
}

/** Whether the peer's static key, which Noise proved, belongs to the identity it names. */
export function verifyProof(
  { primitives, verifiedStatics }: HandshakeParty,
  { key, signature }: IdentityProof,
  staticPublic: Uint8Array,
): boolean {
  if (verifiedStatics) return verifiedStatics.verify(primitives, key, staticPublic, signature);
  return primitives.ed25519Verify(key, staticKeyMessage(key, staticPublic), signature);
}

/** Whether a peer that offered these versions could have been met in a higher one: then somebody lowered it. */
export function isHighestCommon(
  version: number,
  offered: readonly number[],
  spoken: readonly number[] = VERSIONS,
): boolean {
  const common = offered.filter((each) => spoken.includes(each));
  return common.length > 0 && Math.max(...common) === version;
}

/** AES-256-GCM where both have it, else ChaCha20-Poly1305. */
export function chooseSuite(offered: readonly number[], own: readonly Suite[]): Suite | undefined {
  const both = own.filter((suite) => offered.includes(suite));
  if (both.includes(SUITE_AES_256_GCM)) return SUITE_AES_256_GCM;
  return both.includes(SUITE_CHACHA20_POLY1305) ? SUITE_CHACHA20_POLY1305 : undefined;
}

/** What the messages settled; the rest of `Established` follows from the Noise transcript. */
export interface Settled
  extends Pick<
    Established,
    | "suite"
    | "peerKey"
    | "peerStatic"
    | "peerInstance"
    | "epoch"
    | "peerLimits"
    | "observed"
    | "pattern"
    | "initiator"
  > {
  readonly localCid: Uint8Array;
  readonly peerCid: Uint8Array;
}

/** @param noise - finished */
export function establish(
  noise: NoiseHandshake,
  { localCid, peerCid, ...settled }: Settled,
): Established {
  const { initiator, suite } = settled;
  const keys = noise.transport(suite);
  const [send, receive] = initiator
    ? [keys.initiator, keys.responder]
    : [keys.responder, keys.initiator];
  return {
    ...settled,
    sendKeys: { suite, ...send, lane: 0, cid: peerCid },
    receiveKeys: { suite, ...receive, lane: 0, cid: localCid },
    exporter: keys.exporter,
  };
}
