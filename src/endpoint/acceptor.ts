/**
 * Handshakes that others begin. Strangers were sorted by the socket's filter already; what is left
 * costs a Diffie-Hellman, so it is bounded here too. Nothing is granted before the caller's first
 * packet under the new keys. Sans-IO.
 */
import { nameOf } from "../base/bytes.ts";
import { RecentMap } from "../base/recent-map.ts";
import { addressee, isAddressed } from "../noise/macs.ts";
import { type Established, type HandshakeParty, isIk, VERSIONS } from "../session/handshake.ts";
import { answerInit, type PendingResponder } from "../session/handshake-responder.ts";
import {
  INIT,
  PROTOCOL_VERSION,
  parseInit,
  sameInit,
  versionNegotiation,
} from "../wire/handshake-packets.ts";
import type { CoreConfig } from "./core-config.ts";
import { Deadlines, type Timed } from "./deadlines.ts";
import type { SessionTable } from "./session-table.ts";
import { hostOf, type Way } from "./way.ts";

/** WIRE items 14 and 17. */
const PENDING_MS = 10_000;
/** How long an endpoint that closes waits for the last word of a handshake: a round trip of most networks. */
const LAST_WORD_MS = 500;
const MAX_PENDING = 1024;
const MAX_PENDING_PER_SOURCE = 64;
/** Completed INITs that are remembered, so that a recorded one opens nothing later. */
const MAX_SPENT = 8192;
/** An INIT goes by many ways at once, and each is answered the way it came. */
const MAX_COPIES = 32;
const CID_BYTES = 8;
const EPHEMERAL_BYTES = 32;

const NOTHING: Uint8Array = new Uint8Array(0);

/** An answered INIT whose caller has not shown that it holds the keys: a repeated one gets the same answer. */
class Answered implements Timed {
  deadline: number;
  readonly id: string;
  /** Name of our connection id: under it the caller's first packet comes. */
  readonly cid: string;
  /** Emptied when the answer is forgotten: what waits for its deadline still holds it. */
  init: Uint8Array;
  response: Uint8Array;
  readonly source: string;
  copies = 0;
  /** Where it is in the list from which one is drawn when there are too many. */
  place = 0;
  pending: PendingResponder | undefined;

  constructor(
    ids: { readonly id: string; readonly cid: string },
    init: Uint8Array,
    response: Uint8Array,
    source: string,
    now: number,
  ) {
    this.id = ids.id;
    this.cid = ids.cid;
    this.init = init;
    this.response = response;
    this.source = source;
    this.deadline = now + PENDING_MS;
  }
}

interface Reply {
  readonly address: string;
  readonly response: Uint8Array;
}

export class Acceptor {
  readonly #config: CoreConfig;
  readonly #party: HandshakeParty;
  readonly #table: SessionTable;
  readonly #established: (established: Established, way: Way) => void;
  readonly #answered = new Map<string, Answered>();
  readonly #byCid = new Map<string, Answered>();
  /** All of `#answered`, in no order. */
  readonly #drawable: Answered[] = [];
  /** RESPs of this turn: sent one after the other, they wake the other side once. */
  readonly #replies: Reply[] = [];
  /** Names of the ephemeral keys of completed INITs, oldest first: an honest caller never uses one twice. */
  readonly #spent = new RecentMap<string, true>(MAX_SPENT);
  readonly #perSource = new Map<string, number>();
  readonly #deadlines = new Deadlines<Answered>();
  /** Of INITs that name our instance. */
  #ownMac1Key: Uint8Array | undefined;
  #closed = false;

  constructor(
    config: CoreConfig,
    party: HandshakeParty,
    table: SessionTable,
    established: (established: Established, way: Way) => void,
  ) {
    this.#config = config;
    this.#party = party;
    this.#table = table;
    this.#established = established;
  }

  nextAt(): number {
    return this.#deadlines.next();
  }

  run(now: number): void {
    for (let due = this.#deadlines.due(now); due; due = this.#deadlines.due(now)) this.#forget(due);
  }

  /** Begins nothing any more; those who were answered have a moment to go on, so that they can be told. */
  close(now: number): void {
    this.#closed = true;
    for (const answered of this.#answered.values()) {
      answered.deadline = Math.min(answered.deadline, now + LAST_WORD_MS);
      this.#deadlines.schedule(answered);
    }
  }

  /** Whether one that was answered may still go on, once closed. */
  get ending(): boolean {
    if (!this.#closed) return false;
    for (const { pending } of this.#answered.values()) if (pending !== undefined) return true;
    return false;
  }

  /** @param packet - not to be changed afterwards; `reply` sends the answer */
  receiveInit(packet: Uint8Array, way: Way, now: number): void {
    if (packet[1] !== PROTOCOL_VERSION) {
      this.#config.socket.sendPlain(way.address, versionNegotiation(packet, VERSIONS));
      return;
    }
    const id = nameOf(packet.subarray(4, 12));
    const known = this.#answered.get(id);
    if (known !== undefined) {
      if (sameInit(known.init, packet)) this.#repeat(known, way);
      return;
    }
    if (this.#closed || this.#spent.has(ephemeralOf(packet))) return;
    if ((this.#perSource.get(hostOf(way)) ?? 0) >= MAX_PENDING_PER_SOURCE) return;
    this.#answer(id, packet, way, now);
  }

  /** Sends the answers to the INITs since the last call. */
  reply(): void {
    for (const { address, response } of this.#replies.splice(0))
      this.#config.socket.sendPlain(address, response);
  }

  receiveFin(packet: Uint8Array, way: Way): void {
    const answered = this.#byCid.get(nameOf(packet.subarray(4, 12)));
    const established = answered?.pending?.finish(packet);
    if (answered === undefined || established === undefined) return;
    this.#forgetPending(answered);
    this.#established(established, way);
  }

  /** The first packet under the keys of this connection id of ours came: the caller is who it says. */
  confirmed(cid: Uint8Array): void {
    const answered = this.#byCid.get(nameOf(cid));
    if (answered === undefined) return;
    this.#spent.set(ephemeralOf(answered.init), true);
    this.#forget(answered);
  }

  #answer(id: string, packet: Uint8Array, way: Way, now: number): void {
    const { primitives, instance, socket } = this.#config;
    const random = primitives.randomBytes(CID_BYTES + EPHEMERAL_BYTES);
    const localCid = random.slice(0, CID_BYTES);
    const isOpen = this.#config.answersKey || this.#namesUs(packet);
    // Only a peer that we know dials by IK, and says who it is before we do.
    if (!isOpen && !isIkInit(packet)) return;
    const answer = answerInit(this.#party, packet, {
      ...(isOpen ? {} : { allow: (key, peer) => this.#table.knows(key, peer) }),
      localCid,
      instance,
      ephemeral: random.subarray(CID_BYTES),
      observed: way.source,
      epochFor: (key, peerInstance, offered) => this.#table.epochFor(key, peerInstance, offered),
    });
    if (answer === undefined) return;

    if (this.#answered.size >= MAX_PENDING) this.#evict();
    const ids = { id, cid: nameOf(localCid) };
    const answered = new Answered(ids, packet, answer.response, hostOf(way), now);
    this.#answered.set(id, answered);
    answered.place = this.#drawable.push(answered) - 1;
    this.#byCid.set(ids.cid, answered);
    this.#count(answered.source, 1);
    this.#deadlines.schedule(answered);
    if (answer.pending !== undefined) {
      answered.pending = answer.pending;
      socket.expect(answer.pending.cid);
    }
    if (answer.established !== undefined) this.#established(answer.established, way);
    this.#replies.push({ address: way.address, response: answer.response });
  }

  #namesUs(packet: Uint8Array): boolean {
    const { primitives, identity, network, instance } = this.#config;
    this.#ownMac1Key ??= addressee(primitives, identity.key, network, instance).mac1Key;
    return isAddressed(primitives, this.#ownMac1Key, packet);
  }

  #repeat(answered: Answered, { address }: Way): void {
    if (++answered.copies < MAX_COPIES) this.#config.socket.sendPlain(address, answered.response);
  }

  /** Random, so that a flood cannot aim at the one it wants out. */
  #evict(): void {
    const [high = 0, low = 0] = this.#config.primitives.randomBytes(2);
    const drawn = this.#drawable[((high << 8) | low) % this.#drawable.length];
    if (drawn !== undefined) this.#forget(drawn);
  }

  #forget(answered: Answered): void {
    this.#answered.delete(answered.id);
    this.#byCid.delete(answered.cid);
    const last = this.#drawable.pop() as Answered;
    if (last !== answered) {
      this.#drawable[answered.place] = last;
      last.place = answered.place;
    }
    this.#count(answered.source, -1);
    this.#deadlines.forget(answered);
    this.#forgetPending(answered);
    answered.init = NOTHING;
    answered.response = NOTHING;
  }

  #forgetPending(answered: Answered): void {
    if (answered.pending === undefined) return;
    this.#config.socket.unexpect(answered.pending.cid);
    answered.pending = undefined;
  }

  #count(source: string, change: number): void {
    const count = (this.#perSource.get(source) ?? 0) + change;
    if (count > 0) this.#perSource.set(source, count);
    else this.#perSource.delete(source);
  }
}

function isIkInit(packet: Uint8Array): boolean {
  const init = parseInit(packet);
  return init !== undefined && isIk(init.pattern);
}

/** The first bytes of each Noise message 1 are the caller's ephemeral public key. */
function ephemeralOf(init: Uint8Array): string {
  return nameOf(init.subarray(INIT.noise, INIT.noise + 32));
}
