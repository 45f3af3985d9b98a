/** One handshake from fixed secrets to every byte it makes: for frozen vectors and for hostile variations. */
import {
  type Primitives,
  SUITE_AES_256_GCM,
  SUITE_CHACHA20_POLY1305,
  type Suite,
} from "../../src/backend/port.ts";
import { concat, fromHex, toHex } from "../../src/base/bytes.ts";
import { Identity } from "../../src/noise/identity.ts";
import { addressee } from "../../src/noise/macs.ts";
import type { Established, HandshakeParty } from "../../src/session/handshake.ts";
import { Initiator, type InitiatorOptions } from "../../src/session/handshake-initiator.ts";
import {
  type AnswerOptions,
  answerInit,
  type InitAnswer,
} from "../../src/session/handshake-responder.ts";
import type { Limits } from "../../src/wire/limits.ts";

/** What a side brings; byte strings in hex. */
export interface Side {
  readonly seed: string;
  readonly suites: readonly Suite[];
  readonly limits: Limits;
  readonly cid: string;
  readonly instance: string;
  readonly ephemeral: string;
}

export interface Scenario {
  readonly name: string;
  readonly network: string;
  readonly psk?: string;
  /** The initiator knows the responder's static key: IK. */
  readonly knowsStatic: boolean;
  /** The initiator names the responder's instance. */
  readonly named: boolean;
  readonly initiator: Side & { readonly epoch: number };
  readonly responder: Side & { readonly epoch: number; readonly observed: string };
  /** Of the responder's COOKIE answer. */
  readonly cookie: { readonly cookie: string; readonly nonce: string };
}

export const bytes = (hex: string): Uint8Array => fromHex(hex) as Uint8Array;

function partyOf(
  primitives: Primitives,
  { seed, suites, limits }: Side,
  { network, psk }: Scenario,
): HandshakeParty {
  const identity = new Identity(primitives, bytes(seed));
  const shared = { primitives, identity, suites, limits, network: bytes(network) };
  return psk === undefined ? shared : { ...shared, psk: bytes(psk) };
}

export interface Parties {
  readonly initiator: HandshakeParty;
  readonly responder: HandshakeParty;
  readonly dial: InitiatorOptions;
  readonly answer: AnswerOptions;
}

export function partiesOf(primitives: Primitives, scenario: Scenario): Parties {
  const { knowsStatic, named } = scenario;
  const responder = partyOf(primitives, scenario.responder, scenario);
  return {
    initiator: partyOf(primitives, scenario.initiator, scenario),
    responder,
    dial: {
      peerKey: responder.identity.key,
      ...(knowsStatic ? { peerStatic: responder.identity.staticPublic } : {}),
      ...(named ? { target: bytes(scenario.responder.instance) } : {}),
      localCid: bytes(scenario.initiator.cid),
      instance: bytes(scenario.initiator.instance),
      epoch: scenario.initiator.epoch,
      ephemeral: bytes(scenario.initiator.ephemeral),
    },
    answer: {
      localCid: bytes(scenario.responder.cid),
      instance: bytes(scenario.responder.instance),
      ephemeral: bytes(scenario.responder.ephemeral),
      observed: scenario.responder.observed,
      epochFor: (_key, _instance, offered) => Math.max(offered, scenario.responder.epoch),
    },
  };
}

export interface Run {
  readonly dialler: Initiator;
  readonly init: Uint8Array;
  readonly answer: InitAnswer;
  readonly fin: Uint8Array | undefined;
  readonly initiator: Established;
  readonly responder: Established;
}

/** @throws where an honest handshake does not complete */
export function complete(primitives: Primitives, scenario: Scenario): Run {
  const parties = partiesOf(primitives, scenario);
  const dialler = new Initiator(parties.initiator, parties.dial);
  const init = dialler.init();
  const answer = need(answerInit(parties.responder, init, parties.answer), "no answer to INIT");
  const { established: initiator, fin } = need(dialler.response(answer.response), "RESP refused");
  const responder = answer.established ?? answer.pending?.finish(fin ?? new Uint8Array(0));
  return { dialler, init, answer, fin, initiator, responder: need(responder, "FIN refused") };
}

export function need<Value>(value: Value | undefined, otherwise: string): Value {
  if (value === undefined) throw new Error(otherwise);
  return value;
}

/** A COOKIE packet as the responder's filter makes it. docs/PROTOCOL.md, "Macs and cookies". */
export function cookiePacket(
  primitives: Primitives,
  cookieKey: Uint8Array,
  init: Uint8Array,
  cookie: Uint8Array,
  nonce: Uint8Array,
): Uint8Array {
  const info = new TextEncoder().encode("mp2p/1 cookie box\0");
  const key = primitives.hkdfSha512(nonce, cookieKey, info, 32);
  const box = primitives.seal(key, new Uint8Array(12), init.subarray(352, 368), cookie);
  return concat(Uint8Array.of(0x53, 1, 0, 0), init.subarray(4, 12), nonce, box);
}

/** Everything a second implementation can compare, in hex. */
export function transcript(primitives: Primitives, scenario: Scenario): Record<string, unknown> {
  const { dialler, init, answer, fin, initiator } = complete(primitives, scenario);
  const { responder } = partiesOf(primitives, scenario);
  const target = scenario.named ? bytes(scenario.responder.instance) : new Uint8Array(8);
  const keys = addressee(primitives, responder.identity.key, responder.network, target);
  const { cookie, nonce } = scenario.cookie;
  const packet = cookiePacket(primitives, keys.cookieKey, init, bytes(cookie), bytes(nonce));
  if (!dialler.cookie(packet)) throw new Error("the cookie was refused");
  const { sendKeys, receiveKeys } = initiator;
  return {
    mac1Key: toHex(keys.mac1Key),
    cookieKey: toHex(keys.cookieKey),
    init: toHex(init),
    cookie: toHex(packet),
    initWithCookie: toHex(dialler.init()),
    response: toHex(answer.response),
    ...(fin === undefined ? {} : { fin: toHex(fin) }),
    suite: initiator.suite,
    epoch: initiator.epoch,
    initiatorToResponder: { key: toHex(sendKeys.key), iv: toHex(sendKeys.iv) },
    responderToInitiator: { key: toHex(receiveKeys.key), iv: toHex(receiveKeys.iv) },
    exporter: toHex(initiator.exporter),
  };
}

const LIMITS: Limits = {
  connectionCreditBytes: 0x0102_0304_0506,
  streamCreditBytes: 0x1112_1314,
  bidirectionalStreams: 256,
  unidirectionalStreams: 1024,
  largestPacketBytes: 1472,
  idleSeconds: 600,
};

const filled = (length: number, first: number) =>
  toHex(Uint8Array.from({ length }, (_, at) => (first + at) & 0xff));

/** Every pattern with every suite; secrets are counted up bytes. */
export const SCENARIOS: readonly Scenario[] = (["IK", "XX", "IKpsk2", "XXpsk3"] as const).flatMap(
  (pattern) =>
    ([SUITE_CHACHA20_POLY1305, SUITE_AES_256_GCM] as const).map((best) => scenario(pattern, best)),
);

function scenario(pattern: string, best: Suite): Scenario {
  const suites: readonly Suite[] =
    best === SUITE_AES_256_GCM ? [best, SUITE_CHACHA20_POLY1305] : [best];
  const room = pattern.includes("psk");
  const knowsStatic = pattern.startsWith("IK");
  return {
    name: `${pattern}, suite ${best}`,
    network: room ? filled(16, 0xe0) : filled(16, 0).replace(/./g, "0"),
    ...(room ? { psk: filled(32, 0xc0) } : {}),
    knowsStatic,
    named: knowsStatic,
    initiator: {
      seed: filled(32, 0x00),
      suites: [SUITE_AES_256_GCM, SUITE_CHACHA20_POLY1305],
      limits: LIMITS,
      cid: filled(8, 0x20),
      instance: filled(8, 0x30),
      ephemeral: filled(32, 0x40),
      epoch: 7,
    },
    responder: {
      seed: filled(32, 0x60),
      suites,
      limits: { ...LIMITS, idleSeconds: 30 },
      cid: filled(8, 0x80),
      instance: filled(8, 0x90),
      ephemeral: filled(32, 0xa0),
      epoch: knowsStatic ? 9 : 7,
      observed: best === SUITE_AES_256_GCM ? "[2001:db8::1]:50000" : "192.0.2.1:50000",
    },
    cookie: { cookie: filled(16, 0xd0), nonce: filled(24, 0x10) },
  };
}
