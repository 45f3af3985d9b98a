/**
 * The sans-IO heart of an endpoint: takes batches and the time, drives handshakes and sessions,
 * sends through the socket port. `driver.ts` gives it clock, timers and sockets.
 */
import { type ReceiveBatch, ROW, ROW_PLAIN, ROW_STREAM, ROW_SYMBOLS } from "../backend/port.ts";
import { Mp2pError } from "../base/errors.ts";
import { VerifiedStatics } from "../noise/verified-statics.ts";
import { CLOSE_CODE } from "../session/close-codes.ts";
import type { SessionEvent } from "../session/contract.ts";
import type { Established, HandshakeParty } from "../session/handshake.ts";
import { Acceptor } from "./acceptor.ts";
import { Acquaintances } from "./acquaintances.ts";
import type { CoreConfig } from "./core-config.ts";
import { type Answered, Dialer, type DialTarget } from "./dialer.ts";
import { PlainPackets } from "./plain-packets.ts";
import { Searches } from "./searches.ts";
import { SessionPump } from "./session-pump.ts";
import type { SessionRecord } from "./session-record.ts";
import { SessionTable } from "./session-table.ts";
import { type Way, wayOf } from "./way.ts";

/** What a session says of symbols, which belong to casts: a frame that it does not know. */
const SYMBOL_FRAME: Uint8Array = Uint8Array.of(0x14);

export interface CoreHooks {
  /** A session whose peer has proved its key. Its `listener` must be set before this returns. */
  opened(record: SessionRecord, dialled: boolean): void;
}

export class EndpointCore {
  readonly table: SessionTable;
  readonly acquaintances: Acquaintances = new Acquaintances();
  readonly #config: CoreConfig;
  readonly #hooks: CoreHooks;
  readonly #dialer: Dialer;
  readonly #acceptor: Acceptor;
  readonly #plain: PlainPackets;
  readonly #pump: SessionPump;
  readonly #searches: Searches;
  readonly #draining = new Set<SessionRecord>();
  #closes = false;
  #now = 0;

  constructor(config: CoreConfig, hooks: CoreHooks) {
    this.#config = config;
    this.#hooks = hooks;
    const { primitives, identity, suites, limits, network } = config;
    const verifiedStatics = new VerifiedStatics();
    const party: HandshakeParty = {
      primitives,
      identity,
      suites,
      limits,
      network,
      verifiedStatics,
    };
    this.table = new SessionTable(config);
    config.hub?.share(this.table);
    this.#pump = new SessionPump(config.socket, {
      event: (record, event) => this.#event(record, event),
      expired: (record) => this.#end(record),
    });
    this.#dialer = new Dialer(config, party);
    this.#acceptor = new Acceptor(config, party, this.table, (established, way) => {
      this.#adopt(established, way);
    });
    this.#searches = new Searches(this.#dialer, config.groups, (record, answered) =>
      this.#renewed(record, answered),
    );
    this.#plain = new PlainPackets(this.#dialer, this.#acceptor);
  }

  receive(batch: ReceiveBatch, now: number): void {
    this.#now = now;
    for (let row = 0, at = 0; row < batch.rowCount; row++, at += ROW.STRIDE) {
      if (this.#config.hub?.take(batch, at)) continue;
      if (batch.rows[at + ROW.kind] === ROW_PLAIN) this.#receivePlain(batch, at);
      else this.#receiveSealed(batch, at);
    }
    this.#plain.answer(this.#now);
    this.#pump.run(this.#now);
  }

  /** Does what is due. @returns when to be called next, Infinity for not at all. */
  run(now: number): number {
    this.#now = now;
    this.#dialer.run(now);
    this.#acceptor.run(now);
    this.#plain.answer(this.#now);
    this.#config.hub?.run(now);
    this.#pump.run(this.#now);
    return this.nextAt();
  }

  nextAt(): number {
    if (this.#plain.waiting) return this.#now;
    const sessions = this.#pump.nextAt(this.#now);
    const groups = this.#config.hub?.nextAt() ?? Number.POSITIVE_INFINITY;
    return Math.min(sessions, this.#dialer.nextAt(), this.#acceptor.nextAt(), groups);
  }

  /** The socket takes packets again. */
  writable(now: number): void {
    this.#now = now;
    this.#pump.writable();
    this.#pump.run(this.#now);
    this.#config.hub?.writable(now);
  }

  /** The application did something to this session: it wants to be polled before the turn ends. */
  touch(record: SessionRecord): void {
    this.#pump.touch(record);
  }

  /** Whether closed sessions may still have to say or repeat their CLOSE. */
  get draining(): boolean {
    for (const { engine } of this.#draining) if (!engine.isSettled) return true;
    return this.#acceptor.ending;
  }

  /** @returns a function that gives the attempt up. */
  dial(
    target: Omit<DialTarget, "epoch" | "groups">,
    done: (result: SessionRecord | Mp2pError) => void,
    now: number,
  ): () => void {
    this.#now = now;
    const epoch = this.table.epochToOffer(target.key, target.instance);
    const groups = this.#config.groups?.joinOf(target.key, target.namedGroups);
    const outcome = {
      failed: done,
      established: ({ established, way, fin, rttMs }: Answered) => {
        const record = this.#adopt(established, way, rttMs);
        if (record instanceof Mp2pError) return done(record);
        for (const { address } of this.#dialer.candidatesOf(target.addresses))
          record.remember(address);
        this.#leaveGroup(record, way);
        record.unconfirmedFin = fin;
        this.#prove(record, true);
        done(record);
      },
    };
    return this.#dialer.dial({ ...target, groups, epoch }, outcome, now);
  }

  /** The peer of this key was heard of at these addresses: attempts under way try them too. */
  addCandidates(key: Uint8Array, addresses: Iterable<string>): void {
    this.#dialer.add(key, addresses);
  }

  /** Every session gets new keys: the clock jumped, so this may be a copy of a sleeping machine. */
  rehandshakeAll(now: number): void {
    this.#now = now;
    for (const record of this.table.records())
      if (record.proved) this.#searches.start(record, "age", now);
  }

  /** Attempts end, and so do handshakes under way, with a CLOSE. Sessions that live are the caller's to close. */
  close(now: number): void {
    this.#now = now;
    this.#closes = true;
    // Before their attempts fail: one that does begins another.
    this.#searches.stopAll();
    this.#dialer.close(new Mp2pError("MP2P_CLOSED", "the endpoint was closed"));
    this.#acceptor.close(now);
    for (const record of [...this.table.records()]) if (!record.proved) this.#turnAway(record);
  }

  #receivePlain(batch: ReceiveBatch, at: number): void {
    const { rows, slab } = batch;
    const start = rows[at + ROW.at] as number;
    const packet = slab.subarray(start, start + (rows[at + ROW.length] as number));
    const way = wayOf(batch, at, this.table.paths, this.#config.groups);
    if (way !== undefined) this.#plain.receive(packet, way, this.#now);
  }

  #receiveSealed(batch: ReceiveBatch, at: number): void {
    const { rows, slab } = batch;
    const slot = rows[at + ROW.slot] as number;
    const record = this.table.ofSlot(slot);
    if (record === undefined || record.over) return;
    const way = wayOf(batch, at, this.table.paths, this.#config.groups);
    if (way === undefined) return;
    const path = record.tryVisit(way.address);
    if (path === undefined) return;
    const start = rows[at + ROW.at] as number;
    const isSymbols = rows[at + ROW.kind] === ROW_SYMBOLS;
    const end = start + (rows[at + ROW.length] as number);
    const bytes = isSymbols ? SYMBOL_FRAME : slab.subarray(start, end);
    const packet = rows[at + ROW.packet] as number;
    const ecn = rows[at + ROW.ecn] as number;
    const time = rows[at + ROW.time] as number;
    record.unconfirmedFin = undefined;
    if (rows[at + ROW.kind] === ROW_STREAM) {
      const stream = rows[at + ROW.stream] as number;
      const offset = rows[at + ROW.offset] as number;
      const count = rows[at + ROW.count] as number;
      const fin = rows[at + ROW.fin] === 1;
      record.engine.receiveStream(slot, packet, count, stream, offset, bytes, fin, path, ecn, time);
    } else record.engine.receiveFrames(slot, packet, bytes, path, ecn, time);
    this.#leaveGroup(record, way);
    this.#pump.touch(record);
  }

  /** Where the session goes by a group, the addresses its peer may have are challenged from time to time. */
  #leaveGroup(record: SessionRecord, { address, source }: Way): void {
    if (address === source || !record.engine.seeksBetterPath(this.#now)) return;
    record.engine.tryPaths(record.unicastPaths(source), this.#now);
  }

  #adopt(established: Established, way: Way, rttMs?: number): SessionRecord | Mp2pError {
    try {
      const { address } = way;
      const record = this.table.adopt(established, { address, rttMs }, this.#now);
      if (this.#closes && !record.proved) this.#turnAway(record);
      this.#pump.touch(record);
      return record;
    } catch (error) {
      if (error instanceof Mp2pError) return error;
      throw error;
    }
  }

  /** Its caller has our answer, and would wait for us. */
  #turnAway(record: SessionRecord): void {
    record.engine.close(CLOSE_CODE.NONE, "", this.#now);
    this.#draining.add(record);
    this.#pump.touch(record);
  }

  #event(record: SessionRecord, event: SessionEvent): void {
    switch (event.kind) {
      case "confirmed":
        this.#acceptor.confirmed(event.generation.receiveCid);
        this.#prove(record, false);
        break;
      case "retired":
        this.table.retire(record, event.generation);
        if (record.closing && record.generations.length === 0) this.#end(record);
        break;
      case "rehandshake":
        this.#searches.start(record, event.reason, this.#now);
        break;
      case "path":
        record.moveTo(event.path, "the peer answered a challenge here");
        record.listener?.(event);
        break;
      case "closed":
        this.table.close(record);
        // After a long pause no keys are left to say it with.
        if (record.generations.length === 0) this.#end(record);
        else this.#draining.add(record);
        record.listener?.(event);
        break;
      default:
        record.listener?.(event);
    }
  }

  #prove(record: SessionRecord, dialled: boolean): void {
    if (record.proved) return;
    record.proved = true;
    this.acquaintances.remember(record);
    for (const older of this.table.supersededBy(record)) {
      this.#cut(older, "peer", "it connected anew");
    }
    this.#hooks.opened(record, dialled);
  }

  #renewed(record: SessionRecord, { established, way, fin, rttMs }: Answered): void {
    if (record.over) return;
    const samePeer = this.table.isPair(record, established);
    if (!samePeer || established.epoch !== record.epoch) {
      // The same endpoint counts a new epoch: it has closed this session, and its CLOSE was lost.
      this.#cut(record, samePeer ? "peer" : "restart", "");
      return;
    }
    const { address } = way;
    const adopted = this.#adopt(established, way, rttMs);
    if (adopted instanceof Mp2pError) return;
    adopted.unconfirmedFin = fin;
    // The answer to our own INIT proves the address.
    if (adopted.address !== address) {
      this.table.move(adopted, { address, rttMs }, "first to answer after a silence", this.#now);
      adopted.listener?.({ kind: "path", path: adopted.path });
    }
  }

  /** Ends a session whose peer no longer has its other half: there is nobody to tell. */
  #cut(record: SessionRecord, by: "restart" | "peer", text: string): void {
    this.#end(record);
    record.listener?.({ kind: "closed", code: 0, text, by });
  }

  #end(record: SessionRecord): void {
    this.#searches.stop(record);
    this.#draining.delete(record);
    this.#pump.forget(record);
    this.table.end(record);
  }
}
