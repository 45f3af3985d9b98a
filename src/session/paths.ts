import { equalBytes } from "../base/bytes.ts";
import { PATH_TOKEN_BYTES } from "../wire/frames.ts";
import type { PathProperties, SessionConfig } from "./contract.ts";
import { PathState } from "./path-state.ts";

/** Unvalidated addresses looked at at once; an attacker who moves packets about can make more. */
const CANDIDATES_MAX = 4;
const CHALLENGES_MAX = 3;
/** Bytes sent to an address that has not answered, per byte received from it (RFC 9000 section 8.1). */
const AMPLIFICATION = 3;
const RESPONSES_WAITING_MAX = 8;
/** From a group, better paths are looked for after this long, doubling while none answers. */
const SEARCH_MS = 1000;
const SEARCH_MS_MAX = 30_000;
/** A path out of the group that lasted so many searches was worth finding: the next one is quick again. */
const SEARCHES_FORGIVEN = 10;
/** What an address may be sent before it answers, where the peer itself named it: all challenges in full. */
const NAMED_BYTES = 1200;

/** An address the peer's packets came from, which may be the peer or may be a thief's. */
export interface Candidate {
  readonly path: number;
  readonly token: Uint8Array;
  receivedBytes: number;
  sentBytes: number;
  challenges: number;
  /** When the next challenge is due. */
  challengeAt: number;
}

export interface Response {
  readonly path: number;
  readonly token: Uint8Array;
}

/** The path in use, the one before it, and those that may become it (RFC 9000 section 9). */
export class Paths {
  active: PathState | undefined;
  readonly candidates: Candidate[] = [];
  readonly responses: Response[] = [];
  /** Left, but what was sent there may still be acknowledged. */
  readonly leaving: PathState[] = [];
  /** Largest UDP payload the peer takes. */
  largestPacketBytes: number = Infinity;
  readonly #config: SessionConfig;
  #searchAt: number = -Infinity;
  #searchMs: number = SEARCH_MS;
  #movedAt: number = -Infinity;

  /** Smoothed round trip of the path in use; 0 while it is not measured. */
  get rttMs(): number {
    return this.active?.rtt.sampled === true ? this.active.rtt.smoothed : 0;
  }

  constructor(config: SessionConfig) {
    this.#config = config;
  }

  /** Data takes this path from now on. */
  use(id: number, properties: PathProperties, now: number): PathState {
    const before = this.active;
    if (before?.id === id) {
      before.properties = properties;
      return before;
    }
    const { congestion } = this.#config;
    const { packetBytes = this.#config.ceilingBytes } = properties.group ?? {};
    const ceilingBytes = Math.min(packetBytes, this.largestPacketBytes);
    const previousWindow = before?.controller.window ?? 0;
    const path = new PathState(id, properties, { congestion, ceilingBytes, previousWindow, now });
    this.active = path;
    if (before !== undefined) {
      this.#movedAt = now;
      before.deadAt = now + before.drainMs;
      this.leaving.push(before);
    }
    this.candidates.length = 0;
    return path;
  }

  /** The peer is proved to be at this path. */
  follow(id: number, now: number): void {
    const known = this.#config.properties?.(id);
    this.use(id, known ?? { loopback: false, ipv6: this.active?.properties.ipv6 ?? false }, now);
  }

  /**
   * A packet came by this path. Where it is not the one in use, the peer may have moved.
   *
   * @param bytes - of the newest packet of the session; 0 for one that others overtook, and for probes
   */
  heard(id: number, bytes: number, now: number): void {
    const { active } = this;
    if (active === undefined) return;
    if (id === active.id) active.heardAt = now;
    else if (bytes > 0 && (active.silent(now) || (!this.#inGroup(id) && !this.#leads(active, now))))
      this.suspect(id, bytes, now);
  }

  /** Whether to look for a path that spares us the group now; says yes at growing intervals. */
  seeksBetter(now: number): boolean {
    if (this.active?.properties.group === undefined || now < this.#searchAt) return false;
    const forgiven = now - this.#searchAt > SEARCHES_FORGIVEN * this.#searchMs;
    this.#searchMs = forgiven ? SEARCH_MS : Math.min(2 * this.#searchMs, SEARCH_MS_MAX);
    this.#searchAt = now + this.#searchMs;
    return true;
  }

  /** The peer is said to be at these paths too: data moves to the first that answers a challenge. */
  search(ids: readonly number[], now: number): void {
    const others = ids.filter((id) => id !== this.active?.id);
    for (const id of others.slice(0, CANDIDATES_MAX)) this.suspect(id, NAMED_BYTES, now);
  }

  /** The peer may be at this path: it is challenged there. */
  suspect(id: number, bytes: number, now: number): void {
    let candidate = this.candidates.find((each) => each.path === id);
    if (candidate === undefined) {
      if (this.candidates.length >= CANDIDATES_MAX) this.candidates.shift();
      const token = this.#config.random(PATH_TOKEN_BYTES);
      candidate = {
        path: id,
        token,
        receivedBytes: 0,
        sentBytes: 0,
        challenges: 0,
        challengeAt: now,
      };
      this.candidates.push(candidate);
    }
    candidate.receivedBytes += bytes;
  }

  /** Bytes that may be sent to a path: all there is on the one in use. */
  allowance(id: number): number {
    if (id === this.active?.id) return Infinity;
    const candidate = this.candidates.find((each) => each.path === id);
    return candidate === undefined
      ? 0
      : AMPLIFICATION * candidate.receivedBytes - candidate.sentBytes;
  }

  sent(id: number, bytes: number): void {
    const candidate = this.candidates.find((each) => each.path === id);
    if (candidate !== undefined) candidate.sentBytes += bytes;
  }

  /** One answer waits for each path: a packet may hold a hundred challenges, and come from where nobody asked. */
  challenged(token: Uint8Array, path: number): void {
    const response = { token: token.slice(), path };
    const at = this.responses.findIndex((each) => each.path === path);
    if (at >= 0) this.responses[at] = response;
    else if (this.responses.length < RESPONSES_WAITING_MAX) this.responses.push(response);
  }

  /** @returns the path that the token proves the peer to be at */
  validated(token: Uint8Array): number | undefined {
    return this.candidates.find((each) => equalBytes(each.token, token))?.path;
  }

  /** The candidate to challenge now; those that never answered are given up. */
  dueChallenge(now: number): Candidate | undefined {
    const due = this.candidates.find((each) => each.challengeAt <= now);
    if (due === undefined || due.challenges < CHALLENGES_MAX) return due;
    this.#forget(due.path);
    return this.dueChallenge(now);
  }

  /** Paths nothing can be heard from any more. */
  dead(now: number): PathState[] {
    const dead = this.leaving.filter((each) => each.deadAt <= now);
    for (const path of dead) this.leaving.splice(this.leaving.indexOf(path), 1);
    return dead;
  }

  get nextAt(): number {
    let at = Infinity;
    for (const { deadAt } of this.leaving) at = Math.min(at, deadAt);
    for (const { challengeAt } of this.candidates) at = Math.min(at, challengeAt);
    return at;
  }

  /** Both may have moved, each to another path of two that work: one waits for the other to follow. */
  #leads(active: PathState, now: number): boolean {
    return this.#config.opener === 0 && now - this.#movedAt < active.silenceMs;
  }

  #inGroup(id: number): boolean {
    return this.#config.properties?.(id).group !== undefined;
  }

  #forget(id: number): void {
    const index = this.candidates.findIndex((each) => each.path === id);
    if (index >= 0) this.candidates.splice(index, 1);
  }
}
