/** The receivers of a cast: their records, what they have, who is gone. */

import { equalBytes } from "../../base/bytes.ts";
import { Mp2pError } from "../../base/errors.ts";
import { absenceOf, LOST_MS, SILENT_MS } from "./absence.ts";
import type { BlockSource } from "./block-source.ts";
import type { Channel } from "./channels.ts";
import type { Absence } from "./contract.ts";
import { Crowd } from "./crowd.ts";
import {
  type DoorOptions,
  handOut,
  knock,
  manifestRecords,
  readHeld,
  refuse,
  sendEnd,
  sendHashes,
  TOO_LATE,
} from "./door.ts";
import type { Geometry } from "./geometry.ts";
import type { CastKey } from "./key-record.ts";
import { Peer } from "./peer.ts";
import type { CastLink } from "./ports.ts";
import {
  parseComplete,
  parseReason,
  RECORD,
  type Reason,
  reasonRecord,
  record,
} from "./records.ts";
import { parseStatus, type Status } from "./status-record.ts";
import { Watchfulness } from "./watchfulness.ts";

const SILENT = "it fell silent";
const CATCH_UP = 1;
const ALIVE_MS = 1000;

export interface AudienceHooks {
  /** Blocks that were sent whole. */
  sentBlocks(): number;
  reported(peer: Peer, status: Status): void;
  /** Those in use. */
  channels(): readonly Channel[];
  /** It takes no further part, or none for now. */
  gone(peer: Peer): void;
}

interface Cast {
  readonly source: BlockSource;
  readonly geometry: Geometry;
  readonly castKey: Omit<CastKey, "bytes" | "sentBlocks">;
}

export class Audience {
  readonly #crowd = new Crowd();
  /** The manifest as records, made once for all. */
  #manifest: readonly Uint8Array[] | undefined;
  aliveAt = 0;
  readonly #door: DoorOptions;
  readonly #cast: Cast;
  readonly #hooks: AudienceHooks;
  readonly #knocked = new WeakSet<Peer>();
  readonly #watch: Watchfulness;
  #isEndTold: boolean;

  constructor(door: DoorOptions, cast: Cast, hooks: AudienceHooks, now: number) {
    this.#watch = new Watchfulness(now);
    this.#door = door;
    this.#cast = cast;
    this.#hooks = hooks;
    this.#isEndTold = cast.geometry.bytes !== undefined;
  }

  /** Everybody who came, but for those who came anew. */
  get peers(): readonly Peer[] {
    return this.#crowd.peers;
  }

  /** Nobody is left to wait for. */
  isOver(now: number): boolean {
    return this.#crowd.isOver(now);
  }

  live(): Peer[] {
    return this.peers.filter((peer) => peer.isLive);
  }

  hearers(): Peer[] {
    return this.peers.filter((peer) => peer.hears);
  }

  /** Those who hear us and miss blocks of which they have nothing. */
  bulk(): Peer[] {
    return this.peers.filter(
      (peer) =>
        peer.hears &&
        peer.status?.runs.some(
          ({ start, missing }) => missing >= this.#cast.geometry.symbolsOf(start) && missing <= 128,
        ),
    );
  }

  add(key: Uint8Array, link: CastLink, now: number): Peer {
    return new Peer(key, link, now);
  }

  receive(peer: Peer, type: number, body: Uint8Array, now: number): void {
    if (peer.outcome !== undefined) return;
    peer.statusAt = now;
    peer.isSilent = false;
    if (type === RECORD.JOIN && !this.#knocked.has(peer)) this.#knock(peer, body, now);
    else if (!this.#crowd.has(peer)) this.#break(peer, "a record before JOIN");
    else if (type === RECORD.HAVE && !peer.ready) this.#onHave(peer, body);
    else if (type === RECORD.READY && !peer.ready) this.#enter(peer);
    else if (type === RECORD.STATUS && peer.ready) this.#onStatus(peer, body, now);
    else if (type === RECORD.COMPLETE && peer.ready) this.#onComplete(peer, body, now);
    else if (type === RECORD.DECLINE) this.decline(peer, parseReason(body), now);
    else this.#break(peer, `a record of type ${type} out of place`);
  }

  /** It takes no further part, and said so. */
  decline(peer: Peer, reason: Reason, now: number): void {
    if (peer.outcome !== undefined) return;
    peer.decline(reason, this.#cast.geometry.isLive);
    this.#over(peer, now);
  }

  /** Its connection is gone, or it fell silent. */
  lose(peer: Peer, why: string, now: number): void {
    if (peer.outcome !== undefined) return;
    peer.link.send(reasonRecord(RECORD.ABORT, { code: "MP2P_CLOSED", why }));
    peer.outcome = "lost";
    peer.why = why;
    this.#over(peer, now);
  }

  expire(now: number): void {
    this.#watch.turn(now);
    const lostMs = LOST_MS[this.#cast.geometry.kind];
    for (const peer of this.live()) {
      const silentMs = this.#watch.silentMs(peer.statusAt, now);
      if (silentMs < SILENT_MS) continue;
      if (!peer.isSilent) this.#hooks.gone(peer);
      peer.isSilent = true;
      if (silentMs >= lostMs) this.lose(peer, SILENT, now);
      else if (this.#crowd.isFollowed(peer)) this.lose(peer, "it came anew", now);
    }
    for (const peer of this.#crowd.laggards(now)) this.lose(peer, "it made no progress", now);
  }

  /** @returns what tells for a receiver whether it is away */
  absence(now: number): (peer: Peer) => Absence | undefined {
    const lostMs = LOST_MS[this.#cast.geometry.kind];
    const { isAbandoned } = this.#crowd;
    return (peer) => {
      const silentMs = this.#watch.silentMs(peer.statusAt, now);
      return absenceOf(peer, now, { silentMs, lostMs, isAbandoned });
    };
  }

  /** Those fed by unicast hear nothing else for long times. */
  keepAlive(now: number): void {
    if (now < this.aliveAt) return;
    this.aliveAt = now + ALIVE_MS;
    for (const peer of this.live()) peer.link.send(record(RECORD.ALIVE));
  }

  /** A live content has ended: now its length is known. */
  tellEnd(): void {
    const { bytes } = this.#cast.geometry;
    if (this.#isEndTold || bytes === undefined) return;
    this.#isEndTold = true;
    for (const peer of this.live()) sendEnd(peer, bytes);
  }

  /** Nobody waits for it any more: it is to leave the groups and catches up by its stream. */
  slow(peer: Peer): void {
    peer.isCatchUp = true;
    peer.link.send(record(RECORD.MODE, Uint8Array.of(CATCH_UP)));
    this.#hooks.gone(peer);
  }

  /** Other channels are in use. */
  rechannel(): void {
    for (const peer of this.live()) {
      const { status } = peer;
      if (status !== undefined) peer.report(status, peer.statusAt, this.#hooks.channels());
    }
  }

  /** The cast ends for everybody. */
  abort(error: unknown, now: number): void {
    const known = error instanceof Mp2pError;
    const why = known ? error.message : "it was cancelled";
    const reason: Reason = { code: known ? error.code : "MP2P_CLOSED", why };
    for (const peer of this.peers) {
      if (peer.outcome !== undefined) continue;
      peer.link.send(reasonRecord(RECORD.ABORT, reason));
      peer.outcome = peer.isSilent ? "lost" : "partial";
      peer.why = peer.isSilent ? SILENT : why;
      this.#over(peer, now);
    }
  }

  #knock(peer: Peer, body: Uint8Array, now: number): void {
    this.#knocked.add(peer);
    knock(this.#door, peer, body, () => {
      const { castKey, geometry } = this.#cast;
      if (this.#isTooLate()) {
        refuse(peer, TOO_LATE);
        return;
      }
      const replaced = this.#crowd.replacedBy(peer);
      if (replaced !== undefined) this.lose(replaced, "it came anew", now);
      if (!this.#crowd.add(peer)) {
        refuse(peer, { code: "MP2P_LIMIT", why: "the cast has as many receivers as it can" });
        return;
      }
      const { bytes } = geometry;
      this.#manifest ??= manifestRecords(this.#door.manifest);
      handOut(peer, { ...castKey, bytes, sentBlocks: this.#hooks.sentBlocks() }, this.#manifest);
    });
  }

  #onHave(peer: Peer, body: Uint8Array): void {
    const { bytes, blocks } = this.#cast.geometry;
    // Of a live content nothing is held from before.
    const isFair = readHeld(peer, body, bytes === undefined ? 0 : blocks, this.#crowd.heldRoom);
    if (!isFair) this.#break(peer, "a HAVE out of order, or of too many pieces");
  }

  /** What a live cast has behind it is kept only as long as somebody needs it. */
  #isTooLate(): boolean {
    const { source, geometry } = this.#cast;
    return geometry.isLive && source.settled > 0;
  }

  #enter(peer: Peer): void {
    const { source } = this.#cast;
    if (this.#isTooLate()) {
      refuse(peer, TOO_LATE);
      return;
    }
    peer.ready = true;
    peer.firstBlock = this.#hooks.sentBlocks();
    sendHashes(peer, source, 0, source.hashed);
    const { bytes, isLive } = this.#cast.geometry;
    if (isLive && this.#isEndTold && bytes !== undefined) sendEnd(peer, bytes);
    this.match(peer);
  }

  /** Compares what it holds with the blocks read since. */
  match(peer: Peer): void {
    const { source } = this.#cast;
    for (const [block, hash] of peer.held) {
      // Ascending, as receivers send them.
      if (block >= source.hashed) return;
      peer.held.delete(block);
      const known = source.hash(block);
      if (equalBytes(hash, known)) peer.covered.add(block, block + 1);
    }
  }

  #onStatus(peer: Peer, body: Uint8Array, now: number): void {
    const status = peer.reports.take(now) ? parseStatus(body) : undefined;
    if (status === undefined) {
      this.#break(peer, "a STATUS that makes no sense, or too many");
      return;
    }
    peer.noteProgress(status, now, this.#cast.geometry);
    peer.report(status, now, this.#hooks.channels());
    this.#hooks.reported(peer, status);
  }

  #onComplete(peer: Peer, body: Uint8Array, now: number): void {
    const complete = parseComplete(body);
    if (complete === undefined) {
      this.#break(peer, "a COMPLETE that makes no sense");
      return;
    }
    peer.lossRate = complete.lossRate;
    peer.outcome = "complete";
    peer.link.send(record(RECORD.DONE));
    this.#over(peer, now);
  }

  #break(peer: Peer, what: string): void {
    refuse(peer, { code: "MP2P_PROTOCOL", why: what });
    this.#hooks.gone(peer);
  }

  #over(peer: Peer, now: number): void {
    peer.finishedAt = now;
    peer.held.clear();
    peer.link.close();
    this.#hooks.gone(peer);
  }
}
