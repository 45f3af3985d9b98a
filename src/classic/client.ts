/**
 * The client of the original mp2p, without its socket: it declares its address, initiates a session,
 * then sends one message after the other, each again until it is answered.
 *
 * The original answers a repeated initiation with a new key and forgets the old one, so every right
 * answer is kept and the newest tried first. docs/CLASSIC.md, "The ten attacks".
 */
import { equalBytes } from "../base/bytes.ts";
import { TokenBucket } from "../base/token-bucket.ts";
import { writeAddressDeclaration } from "./address-declaration.ts";
import { type Drop, DropCounts } from "./drop-counts.ts";
import { parseMessage } from "./message.ts";
import type { ClassicPrimitives } from "./server.ts";
import { ClassicSession } from "./session.ts";
import type { SessionData } from "./session-data.ts";
import {
  SESSION_ID_BYTES,
  type SessionInitiation,
  writeSessionInitiation,
} from "./session-initiation.ts";
import { type ClassicSigner, isSignedBy, KEY_BYTES } from "./signature.ts";

export interface ClassicClientOptions {
  readonly primitives: ClassicPrimitives;
  readonly signer: ClassicSigner;
  /** Where answers are to go: a group this client listens to. */
  readonly address: string;
  /** Ed25519 key of the server, 32 bytes. */
  readonly server: Uint8Array;
}

export interface ClientStep {
  /** To the server's group, in this order. */
  readonly send: readonly Uint8Array[];
  /** When to poll again, unless something is handled before. */
  readonly wakeAtMs: number;
}

/** A key agreed with one answer of the server, and the message sealed under it. */
interface Agreement {
  readonly ephemeral: Uint8Array;
  readonly session: ClassicSession;
  sealed: Uint8Array | undefined;
}

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 2000;
const MOST_AGREEMENTS = 8;
/** Tries of a message before the session is set up anew as well: the server may have forgotten it. */
const TRIES_BEFORE_RENEWAL = 2;
/** Signatures checked a second, whoever pretends to be the server; each takes 40 to 90 µs. */
const CHECKS_PER_SECOND = 200;
const NEVER: number = Number.POSITIVE_INFINITY;

export class ClassicClient {
  readonly drops: DropCounts = new DropCounts();
  readonly #options: ClassicClientOptions;
  readonly #secret: Uint8Array;
  readonly #ephemeral: Uint8Array;
  readonly #declaration: Uint8Array;
  readonly #initiation: Uint8Array;
  readonly #id: Uint8Array;
  readonly #checks = new TokenBucket(CHECKS_PER_SECOND);
  /** The newest last. */
  readonly #agreements: Agreement[] = [];
  #message: Uint8Array | undefined;
  #answer: Uint8Array | undefined;
  #tries = 0;
  #dueMs: number = NEVER;

  constructor(options: ClassicClientOptions) {
    const { primitives, signer, server: destination, address } = options;
    this.#options = options;
    this.#id = primitives.randomBytes(SESSION_ID_BYTES);
    this.#secret = primitives.randomBytes(KEY_BYTES);
    this.#ephemeral = primitives.x25519PublicKey(this.#secret);
    this.#declaration = writeAddressDeclaration(address, signer);
    const fields = { sessionId: this.#id, destination, ephemeral: this.#ephemeral };
    this.#initiation = writeSessionInitiation(fields, signer);
  }

  /** @throws {RangeError} while a message waits for its answer: answers do not say what they answer */
  say(message: Uint8Array, nowMs: number): void {
    if (this.#message !== undefined) throw new RangeError("a message waits for its answer");
    this.#message = message;
    this.#answer = undefined;
    for (const one of this.#agreements) one.sealed = undefined;
    this.#restart(nowMs);
  }

  /** @returns the answer to the last message, once */
  takeAnswer(): Uint8Array | undefined {
    const answer = this.#answer;
    this.#answer = undefined;
    return answer;
  }

  poll(nowMs: number): ClientStep {
    if (this.#message === undefined || nowMs < this.#dueMs) {
      return { send: [], wakeAtMs: this.#dueMs };
    }
    const send: Uint8Array[] = [];
    const newest = this.#agreements.length - 1;
    if (newest < 0 || this.#tries >= TRIES_BEFORE_RENEWAL) {
      send.push(this.#declaration, this.#initiation);
    }
    // Every further try takes the agreement before, and begins again with the newest.
    const chosen = this.#agreements[newest - (this.#tries % (newest + 1))];
    const sealed = chosen && this.#sealed(chosen, this.#message);
    if (sealed !== undefined) send.push(sealed);
    this.#dueMs = nowMs + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#tries);
    this.#tries++;
    return { send, wakeAtMs: this.#dueMs };
  }

  /** Whoever sent it: only the named server's signature, or its key, makes an answer. */
  handle(datagram: Uint8Array, nowMs: number): void {
    const drop = this.#take(datagram, nowMs);
    if (drop !== undefined) this.drops.count(drop);
  }

  /** @returns why it is not taken */
  #take(datagram: Uint8Array, nowMs: number): Drop | undefined {
    const message = parseMessage(datagram);
    switch (message?.type) {
      case 0:
        return "unasked";
      case 1:
        return this.#agree(message, nowMs);
      case 2:
        return this.#hear(message);
      default:
        return "malformed";
    }
  }

  #agree(answer: SessionInitiation, nowMs: number): Drop | undefined {
    const { primitives, signer, server } = this.#options;
    const { source, destination, sessionId, ephemeral, bytes } = answer;
    if (!equalBytes(destination, signer.key)) return "destination";
    if (!equalBytes(source, server) || !equalBytes(sessionId, this.#id)) return "unasked";
    if (equalBytes(ephemeral, this.#ephemeral)) return "reflected";
    const isKnown = this.#agreements.some((one) => equalBytes(one.ephemeral, ephemeral));
    if (isKnown) return "repeated";
    if (this.#agreements.length >= MOST_AGREEMENTS) return "busy";
    if (!this.#checks.take(nowMs)) return "busy";
    if (!isSignedBy(source, bytes, primitives)) return "signature";
    const key = primitives.x25519(this.#secret, ephemeral);
    if (key === undefined) return "weakKey";
    const session = new ClassicSession(this.#id, key);
    this.#agreements.push({ ephemeral, session, sealed: undefined });
    if (this.#message !== undefined) this.#restart(nowMs);
    return undefined;
  }

  #hear(data: SessionData): Drop | undefined {
    if (!equalBytes(data.sessionId, this.#id)) return "unknownSession";
    for (const { session } of this.#agreements) {
      const opened = session.open(data);
      if (opened.result === "forged") continue;
      if (opened.result !== "fresh") return opened.result;
      if (this.#message === undefined) return "unasked";
      this.#message = undefined;
      this.#answer = opened.text;
      this.#dueMs = NEVER;
      return undefined;
    }
    return "forged";
  }

  /** The same bytes at each try, so that a server which remembers nonces hears the message once. */
  #sealed(agreement: Agreement, message: Uint8Array): Uint8Array | undefined {
    const { primitives } = this.#options;
    agreement.sealed ??= agreement.session.seal(message, (n) => primitives.randomBytes(n));
    return agreement.sealed;
  }

  #restart(nowMs: number): void {
    this.#tries = 0;
    this.#dueMs = nowMs;
  }
}
