/**
 * Sessions of a server. The protocol names them by an id that the initiator chose and sends in clear;
 * here they belong to a key and an id, so nobody takes another's place. docs/CLASSIC.md, "The ten
 * attacks", 5 and 6.
 */
import { equalBytes, toHex } from "../base/bytes.ts";
import type { ClassicSession } from "./session.ts";
import type { SessionInitiation } from "./session-initiation.ts";

/** A session whose peer has not yet used the key: the initiation may be a recorded one. */
const UNPROVEN_MS = 30_000;
const IDLE_MS = 600_000;
const LONGEST_MS = 3_600_000;
const MOST_SESSIONS = 1024;
const MOST_OF_ID = 4;
const MOST_UNPROVEN_OF_HOST = 8;

export interface ServerSession {
  readonly initiation: SessionInitiation;
  /** The answer to the initiation, said again whenever the same initiation comes. */
  readonly answer: Uint8Array;
  readonly session: ClassicSession;
  /** Where answers go, whatever is declared later. */
  readonly address: string;
  /** `sourceHost` of where the initiation came from. */
  readonly host: string;
  readonly bornMs: number;
  usedMs: number;
  isProven: boolean;
}

export class ServerSessions {
  /** By id, since messages carry nothing else. */
  readonly #sessions = new Map<string, readonly ServerSession[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The session of this peer and id, however the initiation differs otherwise. */
  find({ source, sessionId }: SessionInitiation, nowMs: number): ServerSession | undefined {
    const ofPeer = ({ initiation }: ServerSession) => equalBytes(initiation.source, source);
    return this.ofId(sessionId, nowMs).find(ofPeer);
  }

  /** Sessions that a message with this id may belong to; its tag tells which. */
  ofId(id: Uint8Array, nowMs: number): readonly ServerSession[] {
    return (this.#sessions.get(toHex(id)) ?? []).filter((one) => isAlive(one, nowMs));
  }

  /** @returns false where the id is taken too often, or the table full of sessions in use */
  add(session: ServerSession, nowMs: number): boolean {
    const id = toHex(session.session.id);
    this.#makeRoom(session.host, nowMs);
    const sameId = this.#sessions.get(id) ?? [];
    if (sameId.length >= MOST_OF_ID || this.#size >= MOST_SESSIONS) return false;
    this.#sessions.set(id, [...sameId, session]);
    this.#size++;
    return true;
  }

  /** Drops the dead, the oldest unproven one of a host with many, and the oldest unproven of a full table. */
  #makeRoom(host: string, nowMs: number): void {
    const all = [...this.#sessions.values()].flat();
    for (const one of all) if (!isAlive(one, nowMs)) this.#remove(one);
    const unproven = all.filter((one) => isAlive(one, nowMs) && !one.isProven);
    unproven.sort((left, right) => left.bornMs - right.bornMs);
    const ofHost = unproven.filter((one) => one.host === host);
    if (ofHost.length >= MOST_UNPROVEN_OF_HOST) this.#remove(ofHost[0] as ServerSession);
    else if (this.#size >= MOST_SESSIONS && unproven[0] !== undefined) this.#remove(unproven[0]);
  }

  #remove(session: ServerSession): void {
    const id = toHex(session.session.id);
    const left = (this.#sessions.get(id) ?? []).filter((one) => one !== session);
    if (left.length === 0) this.#sessions.delete(id);
    else this.#sessions.set(id, left);
    this.#size--;
  }
}

function isAlive({ isProven, bornMs, usedMs }: ServerSession, nowMs: number): boolean {
  if (nowMs - bornMs > LONGEST_MS) return false;
  return nowMs - usedMs <= (isProven ? IDLE_MS : UNPROVEN_MS);
}
