/**
 * The server of the original mp2p, without its socket: peers declare where they are, initiate a
 * session, and are answered message by message. No packet is an exception; each that is not taken is
 * counted under its reason.
 */
import type { Primitives } from "../backend/port.ts";
import { equalBytes, toHex } from "../base/bytes.ts";
import { TokenBucket } from "../base/token-bucket.ts";
import type { AddressDeclaration } from "./address-declaration.ts";
import { DeclaredPeers, isAnswerable } from "./declared-peers.ts";
import { type Drop, DropCounts } from "./drop-counts.ts";
import { parseMessage } from "./message.ts";
import { Said } from "./said.ts";
import { type ServerSession, ServerSessions } from "./server-sessions.ts";
import { ClassicSession } from "./session.ts";
import type { SessionData } from "./session-data.ts";
import { type SessionInitiation, writeSessionInitiation } from "./session-initiation.ts";
import { type ClassicSigner, isSignedBy, KEY_BYTES } from "./signature.ts";
import { sourceHost } from "./source-host.ts";

export type ClassicPrimitives = Pick<
  Primitives,
  "randomBytes" | "x25519" | "x25519PublicKey" | "ed25519Verify"
>;

export interface HeardMessage {
  /** Ed25519 key of who signed the session's initiation. */
  readonly peer: Uint8Array;
  readonly text: Uint8Array;
}

export interface ClassicServerOptions {
  readonly primitives: ClassicPrimitives;
  readonly signer: ClassicSigner;
  /** Where this server listens. */
  readonly group: string;
  /** Default: everyone, as in the original. */
  readonly allow?: (key: Uint8Array) => boolean;
  /** Called once for each message. @returns what is answered, up to 1,455 bytes; undefined for nothing */
  readonly answer: (message: HeardMessage) => Uint8Array | undefined;
}

export interface Outgoing {
  readonly to: string;
  readonly bytes: Uint8Array;
}

/** Signatures of strangers checked a second; each takes 40 to 90 µs. */
const CHECKS_PER_SECOND = 200;
/** Answers a second to addresses that have proved nothing: under 9 kB/s to whomever they name. */
const ANSWERS_PER_SECOND = 50;

export class ClassicServer {
  readonly drops: DropCounts = new DropCounts();
  readonly #options: ClassicServerOptions;
  readonly #peers = new DeclaredPeers();
  readonly #sessions = new ServerSessions();
  readonly #said = new WeakMap<ServerSession, Said>();
  readonly #checks = new TokenBucket(CHECKS_PER_SECOND);
  readonly #answers = new TokenBucket(ANSWERS_PER_SECOND);

  constructor(options: ClassicServerOptions) {
    this.#options = options;
  }

  /** Peers and sessions held in memory. */
  get size(): { readonly peers: number; readonly sessions: number } {
    return { peers: this.#peers.size, sessions: this.#sessions.size };
  }

  /** @param source - where the datagram came from, `"192.0.2.1:1025"` */
  handle(datagram: Uint8Array, source: string, nowMs: number): Outgoing | undefined {
    const message = parseMessage(datagram);
    switch (message?.type) {
      case 0:
        return this.#declare(message, source, nowMs);
      case 1:
        return this.#initiate(message, source, nowMs);
      case 2:
        return this.#hear(message, nowMs);
      default:
        return this.#drop("malformed");
    }
  }

  #declare(declaration: AddressDeclaration, source: string, nowMs: number): undefined {
    const { address, source: key, bytes } = declaration;
    if (!isAnswerable(address, source, this.#options.group)) return this.#drop("address");
    if (!this.#isAllowed(key)) return this.#drop("notAllowed");
    if (!this.#peers.holds(declaration, source)) {
      const refusal = this.#signature(key, bytes, nowMs);
      if (refusal !== undefined) return this.#drop(refusal);
    }
    this.#peers.put(declaration, source, nowMs);
  }

  #initiate(initiation: SessionInitiation, source: string, nowMs: number): Outgoing | undefined {
    const { source: key, destination, bytes } = initiation;
    if (!equalBytes(destination, this.#options.signer.key)) return this.#drop("destination");
    if (!this.#isAllowed(key)) return this.#drop("notAllowed");
    const known = this.#sessions.find(initiation, nowMs);
    if (known !== undefined) return this.#repeatAnswer(known, initiation, nowMs);
    const address = this.#peers.addressOf(key, source, nowMs);
    if (address === undefined) return this.#drop("undeclared");
    const refusal = this.#signature(key, bytes, nowMs);
    if (refusal !== undefined) return this.#drop(refusal);
    return this.#open(initiation, address, sourceHost(source), nowMs);
  }

  #open(
    initiation: SessionInitiation,
    address: string,
    host: string,
    nowMs: number,
  ): Outgoing | undefined {
    const { primitives, signer } = this.#options;
    const { sessionId, source, ephemeral } = initiation;
    const secret = primitives.randomBytes(KEY_BYTES);
    const key = primitives.x25519(secret, ephemeral);
    if (key === undefined) return this.#drop("weakKey");
    if (!this.#answers.take(nowMs)) return this.#drop("busy");
    const fields = {
      sessionId,
      destination: source,
      ephemeral: primitives.x25519PublicKey(secret),
    };
    const answer = writeSessionInitiation(fields, signer);
    const opened: ServerSession = {
      initiation,
      answer,
      session: new ClassicSession(sessionId, key),
      address,
      host,
      bornMs: nowMs,
      usedMs: nowMs,
      isProven: false,
    };
    if (!this.#sessions.add(opened, nowMs)) return this.#drop("taken");
    this.#saidIn(opened).put("", answer, nowMs);
    return { to: address, bytes: answer };
  }

  #repeatAnswer(
    known: ServerSession,
    { bytes }: SessionInitiation,
    nowMs: number,
  ): Outgoing | undefined {
    if (!equalBytes(bytes, known.initiation.bytes)) return this.#drop("taken");
    return this.#sayAgain(known, "", nowMs);
  }

  #hear(data: SessionData, nowMs: number): Outgoing | undefined {
    const candidates = this.#sessions.ofId(data.sessionId, nowMs);
    if (candidates.length === 0) return this.#drop("unknownSession");
    for (const one of candidates) {
      const opened = one.session.open(data);
      if (opened.result === "forged") continue;
      if (opened.result === "repeated") return this.#sayAgain(one, toHex(data.nonce), nowMs);
      if (opened.result !== "fresh") return this.#drop(opened.result);
      one.isProven = true;
      one.usedMs = nowMs;
      return this.#answer(one, opened.text, toHex(data.nonce), nowMs);
    }
    return this.#drop("forged");
  }

  #answer(
    one: ServerSession,
    text: Uint8Array,
    question: string,
    nowMs: number,
  ): Outgoing | undefined {
    const { answer, primitives } = this.#options;
    const reply = answer({ peer: one.initiation.source, text });
    const bytes = reply && one.session.seal(reply, (length) => primitives.randomBytes(length));
    if (bytes === undefined) return undefined;
    this.#saidIn(one).put(question, bytes, nowMs);
    return { to: one.address, bytes };
  }

  #sayAgain(one: ServerSession, question: string, nowMs: number): Outgoing | undefined {
    const bytes = this.#saidIn(one).again(question, nowMs);
    this.#drop("repeated");
    if (bytes === undefined) return undefined;
    return this.#answers.take(nowMs) ? { to: one.address, bytes } : this.#drop("busy");
  }

  #saidIn(one: ServerSession): Said {
    const said = this.#said.get(one) ?? new Said();
    this.#said.set(one, said);
    return said;
  }

  #isAllowed(key: Uint8Array): boolean {
    return !equalBytes(key, this.#options.signer.key) && (this.#options.allow?.(key) ?? true);
  }

  /** @returns why the signature does not count; undefined where it does */
  #signature(key: Uint8Array, bytes: Uint8Array, nowMs: number): Drop | undefined {
    if (!this.#checks.take(nowMs)) return "busy";
    return isSignedBy(key, bytes, this.#options.primitives) ? undefined : "signature";
  }

  #drop(reason: Drop): undefined {
    this.drops.count(reason);
  }
}
