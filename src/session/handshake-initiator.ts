/** The side that dials. No clock and no table: when to send again is the endpoint's matter. */
import type { Addressee, Suite } from "../backend/port.ts";
import { concat, equalBytes } from "../base/bytes.ts";
import { Mp2pError } from "../base/errors.ts";
import { NoiseHandshake } from "../noise/handshake-state.ts";
import { x25519KeyPair } from "../noise/key-pair.ts";
import { ANY_INSTANCE, addressee, openCookie, writeMac1, writeMac2 } from "../noise/macs.ts";
import {
  finHeader,
  INIT,
  INIT_BYTES,
  initHeader,
  PACKET,
  type Pattern,
  PROTOCOL_VERSION,
  parseResponse,
  parseVersions,
  type ResponsePacket,
} from "../wire/handshake-packets.ts";
import {
  type HandshakePayload,
  type IdentityProof,
  parsePayload,
  writePayload,
} from "../wire/handshake-payload.ts";
import {
  type Established,
  establish,
  type HandshakeParty,
  isIk,
  noiseTerms,
  ownProof,
  PAYLOAD_BYTES,
  patternFor,
  VERSIONS,
  verifyProof,
} from "./handshake.ts";

const EMPTY: Uint8Array = new Uint8Array(0);

export interface InitiatorOptions {
  /** Ed25519 public key of the peer, 32 bytes. */
  readonly peerKey: Uint8Array;
  /** Its X25519 static key from a verified source: then IK, else XX. */
  readonly peerStatic?: Uint8Array;
  /** Only this endpoint instance of the key is meant, 8 bytes. */
  readonly target?: Uint8Array;
  /** 8 random bytes under which answers and data reach us. */
  readonly localCid: Uint8Array;
  /** Our own endpoint instance, 8 bytes. */
  readonly instance: Uint8Array;
  /** Of the session with this peer; an IK responder may raise it. */
  readonly epoch: number;
  /** 32 random bytes, never used twice. */
  readonly ephemeral: Uint8Array;
}

export interface InitiatorAnswer {
  readonly established: Established;
  /** XX only: to be sent, the same bytes, before each burst until the first packet of the peer opens. */
  readonly fin?: Uint8Array;
}

export class Initiator {
  readonly pattern: Pattern;
  readonly #party: HandshakeParty;
  readonly #options: InitiatorOptions;
  readonly #addressee: Addressee;
  readonly #noise: NoiseHandshake;
  readonly #init: Uint8Array;

  /** @throws {Mp2pError} `MP2P_WEAK_KEY` where `peerStatic` is of low order */
  constructor(party: HandshakeParty, options: InitiatorOptions) {
    const { primitives, network } = party;
    const { peerKey, peerStatic, target = ANY_INSTANCE } = options;
    this.#party = party;
    this.#options = options;
    this.pattern = patternFor(party, peerStatic !== undefined);
    this.#addressee = addressee(primitives, peerKey, network, target);

    const header = initHeader(this.pattern, options.localCid);
    const { pattern, ...terms } = noiseTerms(party, this.pattern, header, peerKey);
    this.#noise = NoiseHandshake.start(primitives, pattern, {
      ...terms,
      initiator: true,
      ephemeral: x25519KeyPair(primitives, options.ephemeral),
      ...(peerStatic === undefined ? {} : { remoteStatic: peerStatic }),
    });
    const message = this.#noise.writeMessage(this.#firstPayload());
    if (message === undefined) {
      throw new Mp2pError(
        "MP2P_WEAK_KEY",
        "the peer's static key is of low order: it hides nothing",
      );
    }
    this.#init = concat(header, message, new Uint8Array(INIT_BYTES - INIT.mac1));
    writeMac1(primitives, this.#addressee.mac1Key, this.#init);
  }

  /** Our connection id: byte 4 to 11 of each answer. */
  get cid(): Uint8Array {
    return this.#options.localCid;
  }

  /** The INIT, 384 bytes: always the same, but for mac2 once a cookie was accepted. */
  init(): Uint8Array {
    return this.#init.slice();
  }

  /** A COOKIE packet. @returns whether it answers our INIT: then `init()` is worth sending at once. */
  cookie(packet: Uint8Array): boolean {
    if (!equalBytes(packet.subarray(4, 12), this.cid)) return false;
    const { primitives } = this.#party;
    const cookie = openCookie(primitives, this.#addressee.cookieKey, this.#init, packet);
    if (cookie === undefined) return false;
    writeMac2(primitives, cookie, this.#init);
    return true;
  }

  /** A VERNEG packet. @returns the peer's versions where none is ours: unproved, so only a hint. */
  versions(packet: Uint8Array): readonly number[] | undefined {
    if (packet[0] !== PACKET.versions || !equalBytes(packet.subarray(4, 12), this.cid))
      return undefined;
    const versions = parseVersions(packet);
    return versions?.some((version) => VERSIONS.includes(version)) ? undefined : versions;
  }

  /**
   * A RESP packet. A bad one changes nothing: a better one may follow. It costs two
   * Diffie-Hellmans, so the caller bounds how many it hands in.
   */
  response(packet: Uint8Array): InitiatorAnswer | undefined {
    const parsed = parseResponse(packet);
    if (parsed === undefined || parsed.pattern !== this.pattern) return undefined;
    if (!equalBytes(parsed.cid, this.cid)) return undefined;

    const noise = this.#noise.fork();
    const plaintext = noise.readMessage(parsed.noise);
    const payload = plaintext && parsePayload(plaintext, parsed.header);
    return payload && this.#settle(noise, payload, parsed);
  }

  #firstPayload(): Uint8Array {
    const { identity, suites, limits } = this.#party;
    const { instance, epoch } = this.#options;
    const offer = { versions: VERSIONS, suites };
    const proved = { identity: ownProof(identity), endpoint: { instance, epoch }, limits };
    const payload = isIk(this.pattern) ? { ...offer, ...proved } : offer;
    return writePayload(payload, EMPTY, PAYLOAD_BYTES[this.pattern].init);
  }

  #settle(
    noise: NoiseHandshake,
    { identity, endpoint, choice, limits, observed }: HandshakePayload,
    { answererCid }: ResponsePacket,
  ): InitiatorAnswer | undefined {
    const { peerKey, target, localCid, epoch } = this.#options;
    const peerStatic = noise.remoteStatic;
    const suite = this.#accepted(choice);
    if (!peerStatic || !endpoint || !limits || suite === undefined) return undefined;
    if (target !== undefined && !equalBytes(endpoint.instance, target)) return undefined;
    const ik = isIk(this.pattern);
    if (ik ? endpoint.epoch < epoch : !this.#proved(identity, peerStatic)) return undefined;
    const peerCid = answererCid.slice();
    const fin = ik ? undefined : this.#fin(noise, peerCid);
    if (!ik && fin === undefined) return undefined;
    const established = establish(noise, {
      suite,
      peerKey,
      peerStatic,
      peerInstance: endpoint.instance,
      epoch: ik ? endpoint.epoch : epoch,
      peerLimits: limits,
      observed,
      pattern: this.pattern,
      initiator: true,
      localCid,
      peerCid,
    });
    return fin === undefined ? { established } : { established, fin };
  }

  #accepted(choice: HandshakePayload["choice"]): Suite | undefined {
    if (choice?.version !== PROTOCOL_VERSION) return undefined;
    return this.#party.suites.find((suite) => suite === choice.suite);
  }

  /** XX: whoever answered owns the key that was dialled. In IK Noise alone says so. */
  #proved(identity: IdentityProof | undefined, peerStatic: Uint8Array): boolean {
    if (identity === undefined || !equalBytes(identity.key, this.#options.peerKey)) return false;
    return verifyProof(this.#party, identity, peerStatic);
  }

  #fin(noise: NoiseHandshake, peerCid: Uint8Array): Uint8Array | undefined {
    const { identity, limits } = this.#party;
    const { instance, epoch } = this.#options;
    const header = finHeader(this.pattern, peerCid);
    const payload = writePayload(
      { identity: ownProof(identity), endpoint: { instance, epoch }, limits },
      header,
      PAYLOAD_BYTES[this.pattern].fin,
    );
    const message = noise.writeMessage(payload);
    return message && concat(header, message);
  }
}
