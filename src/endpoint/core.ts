/**
 * The sans-IO heart of an endpoint: takes batches and the time, drives handshakes and sessions,
 * sends through the socket port. `driver.ts` gives it clock, timers and sockets.
 */
import { type ReceiveBatch, ROW, ROW_PLAIN, ROW_STREAM } from "../backend/port.ts";
import { Mp2pError } from "../base/errors.ts";
import { VerifiedStatics } from "../noise/verified-statics.ts";
import type { SessionEvent } from "../session/contract.ts";
import type { Established, HandshakeParty } from "../session/handshake.ts";
import { Acceptor } from "./acceptor.ts";
import { Acquaintances } from "./acquaintances.ts";
import type { CoreConfig } from "./core-config.ts";
import { type Answered, Dialer, type DialTarget } from "./dialer.ts";
import { SessionPump } from "./session-pump.ts";
import type { SessionRecord } from "./session-record.ts";
import { SessionTable } from "./session-table.ts";

const REHANDSHAKE_MS = 90_000;
/** While sealed data waits, strangers get this many handshakes a turn (WIRE item 17). */
const HANDSHAKES_PER_TURN = 8;
const MAX_WAITING_INITS = 256;

export interface CoreHooks {
  /** A session whose peer has proved its key. Its `listener` must be set before this returns. */
  opened(record: SessionRecord, dialled: boolean): void;
}

interface WaitingInit {
  readonly packet: Uint8Array;
  readonly address: string;
}

export class EndpointCore {
  readonly table: SessionTable;
  readonly acquaintances: Acquaintances = new Acquaintances();
  readonly #hooks: CoreHooks;
  readonly #dialer: Dialer;
  readonly #acceptor: Acceptor;
  readonly #pump: SessionPump;
  readonly #searching = new Map<SessionRecord, () => void>();
  readonly #waitingInits: WaitingInit[] = [];
  readonly #draining = new Set<SessionRecord>();
  #now = 0;

  constructor(config: CoreConfig, hooks: CoreHooks) {
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
    this.#pump = new SessionPump(config.socket, {
      event: (record, event) => this.#event(record, event),
      expired: (record) => this.#end(record),
    });
    this.#dialer = new Dialer(config, party);
    this.#acceptor = new Acceptor(config, party, this.table, (established, address) =>
      this.#accepted(established, address),
    );
  }

  receive(batch: ReceiveBatch, now: number): void {
    this.#now = now;
    for (let row = 0, at = 0; row < batch.rowCount; row++, at += ROW.STRIDE) {
      if (batch.rows[at + ROW.kind] === ROW_PLAIN) this.#receivePlain(batch, at);
      else this.#receiveSealed(batch, at);
    }
    this.#admitStrangers(HANDSHAKES_PER_TURN);
    this.#pump.run(this.#now);
  }

  /** Does what is due. @returns when to be called next, Infinity for not at all. */
  run(now: number): number {
    this.#now = now;
    this.#dialer.run(now);
    this.#acceptor.run(now);
    this.#admitStrangers(HANDSHAKES_PER_TURN);
    this.#pump.run(this.#now);
    return this.nextAt();
  }

  nextAt(): number {
    if (this.#waitingInits.length > 0) return this.#now;
    const sessions = this.#pump.nextAt(this.#now);
    return Math.min(sessions, this.#dialer.nextAt(), this.#acceptor.nextAt());
  }

  /** The socket takes packets again. */
  writable(now: number): void {
    this.#now = now;
    this.#pump.writable();
    this.#pump.run(this.#now);
  }

  /** The application did something to this session: it wants to be polled before the turn ends. */
  touch(record: SessionRecord): void {
    this.#pump.touch(record);
  }

  /** Whether closed sessions may still have to repeat their CLOSE. */
  get draining(): boolean {
    return this.#draining.size > 0;
  }

  /** @returns a function that gives the attempt up. */
  dial(
    target: Omit<DialTarget, "epoch">,
    done: (result: SessionRecord | Mp2pError) => void,
    now: number,
  ): () => void {
    this.#now = now;
    const epoch = this.table.epochToOffer(target.key, target.instance);
    const outcome = {
      failed: done,
      established: ({ established, address, fin, rttMs }: Answered) => {
        const record = this.#adopt(established, address, rttMs);
        if (record instanceof Mp2pError) return done(record);
        record.unconfirmedFin = fin;
        this.#prove(record, true);
        done(record);
      },
    };
    return this.#dialer.dial({ ...target, epoch }, outcome, now);
  }

  /** Every session gets new keys: the clock jumped, so this may be a copy of a sleeping machine. */
  rehandshakeAll(now: number): void {
    this.#now = now;
    for (const record of this.table.records()) if (record.proved) this.#search(record, "age");
  }

  /** Ends attempts; sessions are the caller's to close first. */
  close(): void {
    this.#dialer.close(new Mp2pError("MP2P_CLOSED", "the endpoint was closed"));
    for (const stop of this.#searching.values()) stop();
    this.#searching.clear();
  }

  #receivePlain(batch: ReceiveBatch, at: number): void {
    const { rows, slab, strangers } = batch;
    const start = rows[at + ROW.at] as number;
    const packet = slab.subarray(start, start + (rows[at + ROW.length] as number));
    const address = this.#addressOf(rows[at + ROW.path] as number, strangers);
    if (address === undefined) return;
    const type = packet[0];
    if (type === 0x50) {
      if (this.#waitingInits.length >= MAX_WAITING_INITS) return;
      this.#waitingInits.push({ packet: packet.slice(), address });
    } else if (type === 0x52) this.#acceptor.receiveFin(packet, address);
    else this.#dialer.receive(packet, address, this.#now);
  }

  #receiveSealed({ rows, slab, strangers }: ReceiveBatch, at: number): void {
    const slot = rows[at + ROW.slot] as number;
    const record = this.table.ofSlot(slot);
    if (record === undefined || record.over) return;
    const address = this.#addressOf(rows[at + ROW.path] as number, strangers);
    if (address === undefined) return;
    const path = record.visit(address);
    const start = rows[at + ROW.at] as number;
    const bytes = slab.subarray(start, start + (rows[at + ROW.length] as number));
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
    this.#pump.touch(record);
  }

  /** @returns undefined for a path that was given up while the batch waited: network loss */
  #addressOf(path: number, strangers: readonly string[]): string | undefined {
    return path < 0 ? strangers[-1 - path] : this.table.paths.address(path);
  }

  #admitStrangers(most: number): void {
    for (const { packet, address } of this.#waitingInits.splice(0, most)) {
      this.#acceptor.receiveInit(packet, address, this.#now);
    }
  }

  #accepted(established: Established, address: string): void {
    this.#adopt(established, address);
  }

  #adopt(established: Established, address: string, rttMs?: number): SessionRecord | Mp2pError {
    try {
      const record = this.table.adopt(established, { address, rttMs }, this.#now);
      this.#pump.touch(record);
      return record;
    } catch (error) {
      if (error instanceof Mp2pError) return error;
      throw error;
    }
  }

  #event(record: SessionRecord, event: SessionEvent): void {
    switch (event.kind) {
      case "confirmed":
        this.#acceptor.confirmed(event.generation.receiveCid);
        this.#prove(record, false);
        break;
      case "retired":
        this.table.retire(record, event.generation);
        if (record.closing && record.generations.size === 0) this.#end(record);
        break;
      case "rehandshake":
        this.#search(record, event.reason);
        break;
      case "path":
        record.moveTo(event.path);
        record.listener?.(event);
        break;
      case "closed":
        this.table.close(record);
        this.#draining.add(record);
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

  /** A new handshake for a session that lives: new keys, and a peer that moved or restarted is noticed. */
  #search(record: SessionRecord, reason: "age" | "limit" | "silence" | "expired"): void {
    if (this.#searching.has(record)) return;
    const { peer } = record;
    const target = {
      key: peer.key,
      staticKey: peer.staticKey,
      // A restarted peer has another instance: only a session that hears its peer names it.
      ...(reason === "silence" ? {} : { instance: peer.instance }),
      epoch: record.epoch,
      addresses: reason === "silence" ? record.knownAddresses : [record.address],
      timeoutMs: REHANDSHAKE_MS,
    };
    const outcome = {
      failed: () => void this.#searching.delete(record),
      established: (answered: Answered) => {
        this.#searching.delete(record);
        this.#renewed(record, answered);
      },
    };
    this.#searching.set(record, this.#dialer.dial(target, outcome, this.#now));
  }

  #renewed(record: SessionRecord, { established, address, fin, rttMs }: Answered): void {
    if (record.over) return;
    const samePeer = this.table.isPair(record, established);
    if (!samePeer || established.epoch !== record.epoch) {
      // The same endpoint counts a new epoch: it has closed this session, and its CLOSE was lost.
      this.#cut(record, samePeer ? "peer" : "restart", "");
      return;
    }
    const adopted = this.#adopt(established, address, rttMs);
    if (adopted instanceof Mp2pError) return;
    adopted.unconfirmedFin = fin;
    // The answer to our own INIT proves the address.
    if (adopted.address !== address) this.table.move(adopted, { address, rttMs }, this.#now);
  }

  /** Ends a session whose peer no longer has its other half: there is nobody to tell. */
  #cut(record: SessionRecord, by: "restart" | "peer", text: string): void {
    this.#end(record);
    record.listener?.({ kind: "closed", code: 0, text, by });
  }

  #end(record: SessionRecord): void {
    this.#searching.get(record)?.();
    this.#searching.delete(record);
    this.#draining.delete(record);
    this.#pump.forget(record);
    this.table.end(record);
  }
}
