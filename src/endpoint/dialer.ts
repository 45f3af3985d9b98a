/**
 * Handshakes this endpoint began: INITs to the peer's groups and every candidate until one answers. A
 * bad answer changes nothing, so an attacker who guesses a connection id cannot end an attempt. Sans-IO.
 */
import { equalBytes, toHex } from "../base/bytes.ts";
import { Mp2pError } from "../base/errors.ts";
import { toZbase32 } from "../base/zbase32.ts";
import { Dial } from "../path/dial.ts";
import { type Candidate, candidatesOf, isIpv6, rungOf } from "../path/ladder.ts";
import type { Established, HandshakeParty } from "../session/handshake.ts";
import { Initiator } from "../session/handshake-initiator.ts";
import { PACKET } from "../wire/handshake-packets.ts";
import type { CoreConfig } from "./core-config.ts";
import { Deadlines, type Timed } from "./deadlines.ts";
import type { HeldGroups } from "./rung-groups.ts";
import type { Way } from "./way.ts";

/** Answers that may fail to verify before an attempt stops looking at them. */
const MAX_ANSWERS = 16;

export interface DialTarget {
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  /** Known from a verified source: then IK, else XX. */
  readonly staticKey?: Uint8Array;
  /** 8 bytes: only this endpoint instance of the key is meant. */
  readonly instance?: Uint8Array;
  readonly epoch: number;
  readonly addresses: Iterable<string>;
  /** Groups the peer is said to be in besides those of its key. */
  readonly namedGroups?: readonly string[];
  /** Groups of the peer, joined; the attempt leaves them when it is over. */
  readonly groups?: HeldGroups | undefined;
  /** The first round is the addresses': the peer had one, and the group's answer would only be in the way. */
  readonly groupsLast?: boolean;
  /** Infinity for a session that looks for its silent peer. */
  readonly timeoutMs: number;
}

/** A handshake of ours that was answered. */
export interface Answered {
  readonly established: Established;
  readonly way: Way;
  /** XX message 3, to be sent before each burst until the peer is heard. */
  readonly fin: Uint8Array | undefined;
  /** Milliseconds from INIT to RESP; undefined where there was more than one INIT. */
  readonly rttMs: number | undefined;
}

export interface DialOutcome {
  established(answered: Answered): void;
  failed(error: Mp2pError): void;
}

class Attempt implements Timed {
  deadline = 0;
  readonly target: DialTarget;
  readonly dial: Dial;
  readonly initiator: Initiator;
  readonly outcome: DialOutcome;
  answers = 0;
  /** INITs left outside of rounds, so the time since a round says nothing. */
  added = false;
  /** The peer said it speaks other versions; unproved, so it only colours the error. */
  otherVersions = false;

  constructor(target: DialTarget, dial: Dial, initiator: Initiator, outcome: DialOutcome) {
    this.target = target;
    this.dial = dial;
    this.initiator = initiator;
    this.outcome = outcome;
  }

  /** Where a round's INITs go, in that order. */
  get addresses(): string[] {
    const groups = this.target.groups?.addresses() ?? [];
    const addresses = this.dial.candidates.map(({ address }) => address);
    // A peer on this very machine answers there: the network would be a detour.
    const isHere = this.dial.candidates.some(({ reach }) => reach === "loopback");
    const { groupsLast = false } = this.target;
    const isFirst = this.dial.rounds === 0 && addresses.length > 0;
    if (isFirst && (isHere || groupsLast)) return addresses;
    return groupsLast ? [...addresses, ...groups] : [...groups, ...addresses];
  }
}

export class Dialer {
  readonly #config: CoreConfig;
  readonly #party: HandshakeParty;
  readonly #attempts = new Map<string, Attempt>();
  readonly #deadlines = new Deadlines<Attempt>();
  /** Families of the bound addresses: the others do not exist for us. */
  readonly #isIpv6: ReadonlySet<boolean>;

  constructor(config: CoreConfig, party: HandshakeParty) {
    this.#config = config;
    this.#party = party;
    this.#isIpv6 = new Set(config.socket.addresses.map(isIpv6));
  }

  get pending(): number {
    return this.#attempts.size;
  }

  nextAt(): number {
    return this.#deadlines.next();
  }

  /** Those that a bound address reaches. */
  candidatesOf(addresses: Iterable<string>): Candidate[] {
    return candidatesOf([...addresses].filter((each) => this.#isIpv6.has(isIpv6(each))));
  }

  /** @returns a function that gives the attempt up without calling its outcome. */
  dial(target: DialTarget, outcome: DialOutcome, now: number): () => void {
    const candidates = this.candidatesOf(target.addresses);
    const inGroups = (target.groups?.addresses().length ?? 0) > 0;
    if (candidates.length === 0 && !inGroups) {
      target.groups?.leave();
      outcome.failed(noAddress(target));
      return () => undefined;
    }
    const { primitives, instance, socket } = this.#config;
    const initiator = new Initiator(this.#party, {
      peerKey: target.key,
      ...(target.staticKey === undefined ? {} : { peerStatic: target.staticKey }),
      ...(target.instance === undefined ? {} : { target: target.instance }),
      localCid: primitives.randomBytes(8),
      instance,
      epoch: target.epoch,
      ephemeral: primitives.randomBytes(32),
    });
    const dial = new Dial(candidates, now, target.timeoutMs);
    const attempt = new Attempt(target, dial, initiator, outcome);
    this.#attempts.set(toHex(initiator.cid), attempt);
    socket.expect(initiator.cid);
    this.#round(attempt, now);
    return () => {
      this.#forget(attempt);
      target.groups?.leave();
    };
  }

  /** The peer is heard of at these addresses: attempts to reach it try them at once. */
  add(key: Uint8Array, addresses: Iterable<string>): void {
    const candidates = this.candidatesOf(addresses);
    for (const attempt of this.#attempts.values()) {
      if (!equalBytes(attempt.target.key, key)) continue;
      const fresh = attempt.dial.add(candidates);
      attempt.added ||= fresh.length > 0;
      this.#send(
        attempt,
        fresh.map(({ address }) => address),
      );
    }
  }

  /** Whether an INIT is one of ours, come back by a group. */
  sent(init: Uint8Array): boolean {
    return this.#attempts.has(toHex(init.subarray(4, 12)));
  }

  run(now: number): void {
    for (let due = this.#deadlines.due(now); due; due = this.#deadlines.due(now)) {
      if (due.dial.expired(now)) this.#fail(due, noPath(due));
      else if (due.dial.due(now)) this.#round(due, now);
      else this.#schedule(due);
    }
  }

  /** A RESP, COOKIE or VERNEG. */
  receive(packet: Uint8Array, way: Way, now: number): void {
    const attempt = this.#attempts.get(toHex(packet.subarray(4, 12)));
    if (attempt === undefined) return;
    const type = packet[0];
    if (type === PACKET.versions) {
      attempt.otherVersions ||= attempt.initiator.versions(packet) !== undefined;
    } else if (type === PACKET.cookie && attempt.initiator.cookie(packet)) {
      // It is worth something on the way it came only: each way brings its own.
      attempt.added = true;
      this.#send(attempt, [way.address]);
    } else if (type === PACKET.response) this.#answer(attempt, packet, way, now);
  }

  /** Gives every attempt up. */
  close(error: Mp2pError): void {
    for (const attempt of [...this.#attempts.values()]) this.#fail(attempt, error);
  }

  #answer(attempt: Attempt, packet: Uint8Array, way: Way, now: number): void {
    if (++attempt.answers > MAX_ANSWERS) return;
    const answer = attempt.initiator.response(packet);
    if (answer === undefined) return;
    this.#forget(attempt);
    const { rounds, startedAt } = attempt.dial;
    const rttMs = rounds === 1 && !attempt.added ? now - startedAt : undefined;
    attempt.outcome.established({ ...answer, fin: answer.fin, way, rttMs });
    // Only now, as the session may stay in one of them.
    attempt.target.groups?.leave();
  }

  #round(attempt: Attempt, now: number): void {
    this.#send(attempt, attempt.addresses);
    attempt.dial.sent(now, this.#config.primitives.randomBytes(1)[0] as number);
    this.#schedule(attempt);
  }

  #send(attempt: Attempt, addresses: readonly string[]): void {
    const init = attempt.initiator.init();
    for (const address of addresses) this.#config.socket.sendPlain(address, init);
  }

  #schedule(attempt: Attempt): void {
    attempt.deadline = attempt.dial.nextAt;
    this.#deadlines.schedule(attempt);
  }

  #fail(attempt: Attempt, error: Mp2pError): void {
    this.#forget(attempt);
    attempt.target.groups?.leave();
    attempt.outcome.failed(error);
  }

  #forget(attempt: Attempt): void {
    this.#deadlines.forget(attempt);
    this.#config.socket.unexpect(attempt.initiator.cid);
    this.#attempts.delete(toHex(attempt.initiator.cid));
  }
}

function noAddress(target: DialTarget): Mp2pError {
  const peer = toZbase32(target.key);
  const [other] = candidatesOf(target.addresses);
  if (other !== undefined) return otherFamily(peer, other.address);
  return new Mp2pError("MP2P_NO_ADDRESS", `no address is known for ${peer}`, {
    hint: "use the peer's ticket instead of its key: it carries addresses",
  });
}

function otherFamily(peer: string, address: string): Mp2pError {
  const family = isIpv6(address) ? "IPv6" : "IPv4";
  const message = `no path to ${peer}: all its addresses are of ${family}, such as ${address}, and no socket here is`;
  return new Mp2pError("MP2P_NO_PATH", message, {
    hint: `switch ${family} on here, bind to it, or give the peer an address of the other family`,
  });
}

function noPath({ target, dial, otherVersions, addresses }: Attempt): Mp2pError {
  const peer = toZbase32(target.key);
  if (otherVersions) {
    return new Mp2pError("MP2P_VERSION", `${peer} speaks no protocol version in common with us`, {
      hint: "update mp2p on the older of the two devices",
    });
  }
  const seconds = Math.round(dial.deadline - dial.startedAt) / 1000;
  const [other] = dial.candidates.length === 0 ? candidatesOf(target.addresses) : [];
  if (other !== undefined) return otherFamily(peer, other.address);
  if (dial.candidates.length === 0) return notFound(peer, seconds);
  return new Mp2pError(
    "MP2P_NO_PATH",
    `no path to ${peer}: tried ${summary(addresses)}, ${dial.rounds} times in ${seconds} s, no answer`,
    {
      hint: "check that the peer is running, that its ticket is fresh, and that a firewall lets UDP to these addresses pass",
    },
  );
}

/** Its groups were asked, which reach no further than this network carries multicast. */
function notFound(peer: string, seconds: number): Mp2pError {
  const message = `nobody on this network answers for ${peer}, asked for ${seconds} s, and nothing says where else it is`;
  return new Mp2pError("MP2P_NO_ADDRESS", message, {
    hint: "check that the peer is running on this network, or use its ticket: it carries addresses",
  });
}

const MAX_NAMED = 12;

/** What was tried, for the error a person reads. */
function summary(addresses: readonly string[]): string {
  const named = addresses.slice(0, MAX_NAMED).map((address) => `${rungOf(address)} ${address}`);
  const more = addresses.length - named.length;
  return named.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
