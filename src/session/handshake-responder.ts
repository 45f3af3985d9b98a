/**
 * The side that is dialled. INITs arrive here after the socket's stranger filter: length, mac1, rate
 * and cookie are checked. Whatever is wrong with a packet, the answer is silence.
 */
import type { Suite } from "../backend/port.ts";
import { concat, equalBytes } from "../base/bytes.ts";
import { NoiseHandshake } from "../noise/handshake-state.ts";
import { x25519KeyPair } from "../noise/key-pair.ts";
import {
  type HandshakePacket,
  type Pattern,
  PROTOCOL_VERSION,
  parseFin,
  parseInit,
  responseHeader,
} from "../wire/handshake-packets.ts";
import { type HandshakePayload, parsePayload, writePayload } from "../wire/handshake-payload.ts";
import {
  chooseSuite,
  type Established,
  establish,
  type HandshakeParty,
  isHighestCommon,
  isIk,
  noiseTerms,
  ownProof,
  PAYLOAD_BYTES,
  patternFor,
  type Settled,
  verifyProof,
} from "./handshake.ts";

const EMPTY: Uint8Array = new Uint8Array(0);
/** In an XX RESP, which is written before the peer is known: the epoch of FIN decides. */
const EPOCH_NOT_SAID = 0;

export interface AnswerOptions {
  /** 8 random bytes under which FIN and data reach us. */
  readonly localCid: Uint8Array;
  /** Our own endpoint instance, 8 bytes. */
  readonly instance: Uint8Array;
  /** 32 random bytes, never used twice. */
  readonly ephemeral: Uint8Array;
  /** Where the INIT came from, told to the caller; undefined where that says nothing. */
  readonly observed?: string;
  /** The session's epoch, at least the offered one; higher where the offered one is over. */
  epochFor(peerKey: Uint8Array, peerInstance: Uint8Array, offeredEpoch: number): number;
  /**
   * Whom to answer at all. May only refuse: an INIT proves nobody's presence. Called before an IK
   * answer is written and at XX's FIN.
   */
  allow?(peerKey: Uint8Array, peerInstance: Uint8Array): boolean;
}

export interface InitAnswer {
  /** RESP, 320 bytes; a copy of the same INIT gets the same bytes. */
  readonly response: Uint8Array;
  /** IK: complete, not yet confirmed. */
  readonly established?: Established;
  /** XX: complete with FIN. */
  readonly pending?: PendingResponder;
}

/** @returns undefined where the INIT deserves no answer */
export function answerInit(
  party: HandshakeParty,
  packet: Uint8Array,
  options: AnswerOptions,
): InitAnswer | undefined {
  const init = parseInit(packet);
  if (init === undefined || init.pattern !== patternFor(party, isIk(init.pattern)))
    return undefined;
  const { primitives, identity, suites } = party;
  const { pattern, ...terms } = noiseTerms(party, init.pattern, init.header, identity.key);
  const ephemeral = x25519KeyPair(primitives, options.ephemeral);
  const noise = NoiseHandshake.start(primitives, pattern, {
    ...terms,
    initiator: false,
    ephemeral,
  });
  const plaintext = noise.readMessage(init.noise);
  const offer = plaintext && parsePayload(plaintext, EMPTY);
  if (!offer?.versions || !offer.suites) return undefined;
  if (!isHighestCommon(PROTOCOL_VERSION, offer.versions)) return undefined;
  const suite = chooseSuite(offer.suites, suites);
  if (suite === undefined) return undefined;

  const answer = { party, init, noise, suite, options };
  return isIk(init.pattern) ? answerIk(answer, offer) : answerXx(answer);
}

interface Answer {
  readonly party: HandshakeParty;
  readonly init: HandshakePacket;
  readonly noise: NoiseHandshake;
  readonly suite: Suite;
  readonly options: AnswerOptions;
}

function answerIk(answer: Answer, offer: HandshakePayload): InitAnswer | undefined {
  const { party, init, noise, suite, options } = answer;
  const caller = callerOf(party, noise, offer, options);
  if (caller === undefined) return undefined;
  const response = writeResponse(answer, caller.epoch);
  if (response === undefined) return undefined;
  const established = establish(noise, {
    ...caller,
    suite,
    pattern: init.pattern,
    localCid: options.localCid,
    peerCid: init.cid.slice(),
  });
  return { response, established };
}

function answerXx(answer: Answer): InitAnswer | undefined {
  const { party, init, noise, suite, options } = answer;
  const response = writeResponse(answer, EPOCH_NOT_SAID);
  if (response === undefined) return undefined;
  const { pattern } = init;
  const pending = new PendingResponder(party, noise, options, {
    suite,
    pattern,
    localCid: options.localCid,
    peerCid: init.cid.slice(),
  });
  return { response, pending };
}

function writeResponse({ party, init, noise, suite, options }: Answer, epoch: number) {
  const header = responseHeader(init.pattern, init.cid, options.localCid);
  const ik = isIk(init.pattern);
  const payload = {
    identity: ik ? undefined : ownProof(party.identity),
    endpoint: { instance: options.instance, epoch },
    choice: { version: PROTOCOL_VERSION, suite },
    limits: party.limits,
    observed: options.observed,
  };
  const message = noise.writeMessage(
    writePayload(payload, header, PAYLOAD_BYTES[init.pattern].response),
  );
  return message && concat(header, message);
}

type Caller = Pick<
  Settled,
  "peerKey" | "peerStatic" | "peerInstance" | "epoch" | "peerLimits" | "observed" | "initiator"
>;

/** Who calls, from the payload that names it, after Noise proved its static key. */
function callerOf(
  party: HandshakeParty,
  noise: NoiseHandshake,
  { identity, endpoint, limits }: HandshakePayload,
  options: AnswerOptions,
): Caller | undefined {
  const peerStatic = noise.remoteStatic;
  if (!peerStatic || !identity || !endpoint || !limits) return undefined;
  if (options.allow?.(identity.key, endpoint.instance) === false) return undefined;
  if (!verifyProof(party, identity, peerStatic)) return undefined;
  return {
    peerKey: identity.key,
    peerStatic,
    peerInstance: endpoint.instance,
    epoch: options.epochFor(identity.key, endpoint.instance, endpoint.epoch),
    peerLimits: limits,
    observed: undefined,
    initiator: false,
  };
}

/** An XX handshake that waits for its FIN. */
export class PendingResponder {
  readonly #party: HandshakeParty;
  readonly #noise: NoiseHandshake;
  readonly #options: AnswerOptions;
  readonly #settled: { suite: Suite; pattern: Pattern; localCid: Uint8Array; peerCid: Uint8Array };

  constructor(
    party: HandshakeParty,
    noise: NoiseHandshake,
    options: AnswerOptions,
    settled: { suite: Suite; pattern: Pattern; localCid: Uint8Array; peerCid: Uint8Array },
  ) {
    this.#party = party;
    this.#noise = noise;
    this.#options = options;
    this.#settled = settled;
  }

  /** Our connection id: bytes 4 to 11 of the FIN. */
  get cid(): Uint8Array {
    return this.#settled.localCid;
  }

  /**
   * A FIN packet. A bad one changes nothing and costs one failed decryption. One of an epoch that is
   * over is bad too: its sender meets silence, dials again by IK and is told the epoch.
   */
  finish(packet: Uint8Array): Established | undefined {
    const parsed = parseFin(packet);
    if (parsed === undefined || parsed.pattern !== this.#settled.pattern) return undefined;
    if (!equalBytes(parsed.cid, this.cid)) return undefined;
    const noise = this.#noise.fork();
    const plaintext = noise.readMessage(parsed.noise);
    const payload = plaintext && parsePayload(plaintext, parsed.header);
    if (payload === undefined) return undefined;
    const caller = callerOf(this.#party, noise, payload, this.#options);
    if (caller === undefined || caller.epoch !== payload.endpoint?.epoch) return undefined;
    return establish(noise, { ...caller, ...this.#settled });
  }
}
