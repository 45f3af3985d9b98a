/**
 * Handshake patterns of the Noise framework, revision 34: all of section 7 and the deferred ones of
 * section 18.1, with psk modifiers (section 9.4).
 */
export type Token = "e" | "s" | "ee" | "es" | "se" | "ss" | "psk";

export interface NoisePattern {
  /** Pattern with its modifiers, `"XXpsk3"`. */
  readonly name: string;
  /** Whose static key the other side knows before the first message. */
  readonly known: { readonly initiator: boolean; readonly responder: boolean };
  /** Tokens of each message; the initiator writes the first, then in turn. */
  readonly messages: readonly (readonly Token[])[];
  readonly psks: number;
}

/** Known statics (i, r, both), a colon, then the messages. */
const PATTERNS: Readonly<Record<string, string>> = {
  N: "r: e es",
  K: "ir: e es ss",
  X: "r: e es s ss",
  NN: ": e, e ee",
  NK: "r: e es, e ee",
  NX: ": e, e ee s es",
  KN: "i: e, e ee se",
  KK: "ir: e es ss, e ee se",
  KX: "i: e, e ee se s es",
  XN: ": e, e ee, s se",
  XK: "r: e es, e ee, s se",
  XX: ": e, e ee s es, s se",
  IN: ": e s, e ee se",
  IK: "r: e es s ss, e ee se",
  IX: ": e s, e ee se s es",
  NK1: "r: e, e ee es",
  NX1: ": e, e ee s, es",
  X1N: ": e, e ee, s, se",
  X1K: "r: e es, e ee, s, se",
  XK1: "r: e, e ee es, s se",
  X1K1: "r: e, e ee es, s, se",
  X1X: ": e, e ee s es, s, se",
  XX1: ": e, e ee s, es s se",
  X1X1: ": e, e ee s, es s, se",
  K1N: "i: e, e ee, se",
  K1K: "ir: e es, e ee, se",
  KK1: "ir: e, e ee se es",
  K1K1: "ir: e, e ee es, se",
  K1X: "i: e, e ee s es, se",
  KX1: "i: e, e ee se s, es",
  K1X1: "i: e, e ee s, se es",
  I1N: ": e s, e ee, se",
  I1K: "r: e es s, e ee, se",
  IK1: "r: e s, e ee se es",
  I1K1: "r: e s, e ee es, se",
  I1X: ": e s, e ee s es, se",
  IX1: ": e s, e ee se s, es",
  I1X1: ": e s, e ee s, se es",
};

/** @throws {RangeError} for a name the framework does not define, or a psk of a message that is not there */
export function noisePattern(name: string): NoisePattern {
  const match = /^([A-Z0-9]+)((?:psk[0-9](?:\+psk[0-9])*)?)$/.exec(name);
  const row = PATTERNS[match?.[1] ?? ""];
  if (match === null || row === undefined) throw new RangeError(`no Noise pattern: ${name}`);

  const [known = "", messageList = ""] = row.split(":");
  const messages = messageList.split(",").map((tokens) => tokens.trim().split(" ") as Token[]);
  const modifiers = match[2] === "" ? [] : (match[2] as string).split("+");
  for (const modifier of modifiers) addPsk(messages, Number(modifier.slice(3)), name);
  return {
    name,
    known: { initiator: known.includes("i"), responder: known.includes("r") },
    messages,
    psks: modifiers.length,
  };
}

/** psk0 begins the first message, pskN ends message N. */
function addPsk(messages: Token[][], place: number, name: string): void {
  const message = messages[Math.max(0, place - 1)];
  if (message === undefined) throw new RangeError(`no message ${place} in Noise pattern: ${name}`);
  if (place === 0) message.unshift("psk");
  else message.push("psk");
}
