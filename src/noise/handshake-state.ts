/**
 * HandshakeState of the Noise framework, revision 34, section 5.3, for any pattern of patterns.ts.
 * A message that does not verify changes nothing (RUSTSEC-2024-0011 is what happens otherwise).
 */
import type { Primitives, Suite } from "../backend/port.ts";
import { concat } from "../base/bytes.ts";
import type { KeyPair } from "./key-pair.ts";
import type { NoiseResult, TransportKeys } from "./key-schedule.ts";
import type { NoisePattern, Token } from "./patterns.ts";
import { SymmetricState } from "./symmetric-state.ts";

const KEY_BYTES = 32;
const TAG_BYTES = 16;

export interface NoiseParty {
  readonly initiator: boolean;
  readonly prologue: Uint8Array;
  /** Needed where the pattern sends or presumes this side's static key. */
  readonly staticKey?: KeyPair;
  readonly ephemeral?: KeyPair;
  /** X25519 public key of the peer, where the pattern presumes it. */
  readonly remoteStatic?: Uint8Array;
  /** 32 bytes each, in the order of the pattern's modifiers. */
  readonly psks?: readonly Uint8Array[];
}

export class NoiseHandshake {
  readonly #pattern: NoisePattern;
  readonly #party: NoiseParty;
  #symmetric: SymmetricState;
  #remoteStatic: Uint8Array | undefined;
  #remoteEphemeral: Uint8Array | undefined;
  #message = 0;
  #psk = 0;

  private constructor(pattern: NoisePattern, party: NoiseParty, symmetric: SymmetricState) {
    this.#pattern = pattern;
    this.#party = party;
    this.#symmetric = symmetric;
    this.#remoteStatic = party.remoteStatic;
  }

  static start(primitives: Primitives, pattern: NoisePattern, party: NoiseParty): NoiseHandshake {
    const name = `Noise_${pattern.name}_25519_ChaChaPoly_SHA512`;
    const symmetric = SymmetricState.start(primitives, name);
    const handshake = new NoiseHandshake(pattern, party, symmetric);
    symmetric.mixHash(party.prologue);
    const { initiator, responder } = pattern.known;
    if (initiator) symmetric.mixHash(handshake.#staticKeyOf(party.initiator));
    if (responder) symmetric.mixHash(handshake.#staticKeyOf(!party.initiator));
    return handshake;
  }

  /** An independent continuation from here: what happens to it does not happen to this one. */
  fork(): NoiseHandshake {
    const copy = new NoiseHandshake(this.#pattern, this.#party, this.#symmetric.fork());
    copy.#remoteStatic = this.#remoteStatic;
    copy.#remoteEphemeral = this.#remoteEphemeral;
    copy.#message = this.#message;
    copy.#psk = this.#psk;
    return copy;
  }

  /** The peer's X25519 static key, once known. */
  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic;
  }

  get finished(): boolean {
    return this.#message === this.#pattern.messages.length;
  }

  /**
   * Writes this side's next message. Only a fork may be written to twice: the same nonce would seal
   * two payloads.
   *
   * @returns undefined where a key of the peer is of low order; the handshake is then of no more use
   */
  writeMessage(payload: Uint8Array): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    for (const token of this.#nextTokens(true)) {
      if (token === "e") parts.push(this.#writeEphemeral());
      else if (token === "s") {
        parts.push(this.#symmetric.encryptAndHash(required(this.#party.staticKey).publicKey));
      } else if (!this.#mix(token)) return undefined;
    }
    this.#message++;
    return concat(...parts, this.#symmetric.encryptAndHash(payload));
  }

  /**
   * Reads the peer's next message.
   *
   * @returns its payload; undefined, with nothing changed, where it is too short, does not
   * authenticate or holds a key of low order
   */
  readMessage(message: Uint8Array): Uint8Array | undefined {
    const attempt = this.fork();
    const payload = attempt.#read(message);
    if (payload === undefined) return undefined;
    this.#symmetric = attempt.#symmetric;
    this.#remoteStatic = attempt.#remoteStatic;
    this.#remoteEphemeral = attempt.#remoteEphemeral;
    this.#message = attempt.#message;
    this.#psk = attempt.#psk;
    return payload;
  }

  /** The outcome, after the last message. */
  split(): NoiseResult {
    this.#requireFinished();
    const [initiatorKey, responderKey] = this.#symmetric.split();
    return { initiatorKey, responderKey, hash: this.#symmetric.hash };
  }

  /** The outcome as keys of packets. */
  transport(suite: Suite): TransportKeys {
    this.#requireFinished();
    return this.#symmetric.transport(suite);
  }

  #requireFinished(): void {
    if (!this.finished) throw new Error("a Noise handshake splits after its last message");
  }

  #read(message: Uint8Array): Uint8Array | undefined {
    let at: number | undefined = 0;
    for (const token of this.#nextTokens(false)) {
      at = this.#readToken(token, message, at);
      if (at === undefined) return undefined;
    }
    if (this.#symmetric.hasKey && message.length < at + TAG_BYTES) return undefined;
    this.#message++;
    return this.#symmetric.decryptAndHash(this.#part(message, at));
  }

  /** @returns where the next token begins. */
  #readToken(token: Token, message: Uint8Array, at: number): number | undefined {
    if (token !== "e" && token !== "s") return this.#mix(token) ? at : undefined;
    const sealed = token === "s" && this.#symmetric.hasKey;
    const end = at + KEY_BYTES + (sealed ? TAG_BYTES : 0);
    if (message.length < end) return undefined;
    if (token === "e") {
      this.#remoteEphemeral = message.slice(at, end);
      this.#mixEphemeral(this.#remoteEphemeral);
      return end;
    }
    this.#remoteStatic = this.#symmetric.decryptAndHash(this.#part(message, at, end));
    return this.#remoteStatic && end;
  }

  /** Borrowed where it is about to be decrypted; what is in clear is kept, so it is a copy. */
  #part(message: Uint8Array, at: number, end?: number): Uint8Array {
    return this.#symmetric.hasKey ? message.subarray(at, end) : message.slice(at, end);
  }

  #nextTokens(writing: boolean): readonly Token[] {
    const tokens = this.#pattern.messages[this.#message];
    const ours = (this.#message % 2 === 0) === this.#party.initiator;
    if (tokens === undefined || ours !== writing) {
      throw new Error(
        `not this side's turn in Noise ${this.#pattern.name}, message ${this.#message}`,
      );
    }
    return tokens;
  }

  #writeEphemeral(): Uint8Array {
    const { publicKey } = required(this.#party.ephemeral);
    this.#mixEphemeral(publicKey);
    return publicKey;
  }

  /** With a psk the ephemeral also goes into the key (section 9.2), or messages could repeat one. */
  #mixEphemeral(publicKey: Uint8Array): void {
    this.#symmetric.mixHash(publicKey);
    if (this.#pattern.psks > 0) this.#symmetric.mixKey(publicKey);
  }

  #mix(token: Token): boolean {
    if (token === "psk") {
      this.#symmetric.mixKeyAndHash(required(this.#party.psks?.[this.#psk++]));
      return true;
    }
    const { initiator, staticKey, ephemeral } = this.#party;
    const [initiators, responders] = token;
    const own = (initiator ? initiators : responders) === "e" ? ephemeral : staticKey;
    const peers = initiator ? responders : initiators;
    const peer = peers === "e" ? this.#remoteEphemeral : this.#remoteStatic;
    return required(own).mixInto(this.#symmetric, required(peer));
  }

  #staticKeyOf(own: boolean): Uint8Array {
    return own ? required(this.#party.staticKey).publicKey : required(this.#remoteStatic);
  }
}

/** A pattern that needs a key which the caller did not give is the caller's mistake, not the peer's. */
function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError("this Noise pattern needs a key that was not given");
  return value;
}
