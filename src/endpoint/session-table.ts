/**
 * All sessions of an endpoint. A session is an unordered pair of endpoint instances and an epoch
 * (docs/PROTOCOL.md, "Sessions"): every handshake between the same pair and epoch only adds a key
 * generation, a higher epoch ends the session before it.
 */
import { compareBytes, concat, nameOf } from "../base/bytes.ts";
import { isIpv6 } from "../path/ladder.ts";
import { propertiesOf } from "../path/properties.ts";
import { BlockPool } from "../session/block-pool.ts";
import { BurstPlan } from "../session/burst-plan.ts";
import type { Generation, PathProperties, SessionConfig } from "../session/contract.ts";
import type { Established } from "../session/handshake.ts";
import { SessionEngine } from "../session/session.ts";
import type { CoreConfig } from "./core-config.ts";
import { PathTable } from "./path-table.ts";
import { NamedPeer, pairName } from "./peer.ts";
import { SessionRecord } from "./session-record.ts";
import { SlotNumbers } from "./slot-numbers.ts";

/** UDP payload of a full Ethernet frame over IPv4 and IPv6. */
const CEILING_IPV4_BYTES = 1472;
const CEILING_IPV6_BYTES = 1452;
/** Pairs remembered after their session ended, so that a replayed epoch stays dead. */
const ENDED_PAIRS = 4096;

/** Where a handshake was answered from, and how long that took where it is known. */
export interface AnswerPath {
  readonly address: string;
  readonly rttMs: number | undefined;
}

interface Pair {
  readonly key: string;
  /** Highest epoch seen. */
  epoch: number;
  /** Sessions of this pair that are not over: the proved one, and one waiting to be proved. */
  records: SessionRecord[];
}

export class SessionTable {
  readonly paths: PathTable;
  readonly slots: SlotNumbers = new SlotNumbers();
  readonly #config: CoreConfig;
  readonly #pairs = new Map<string, Pair>();
  readonly #bySlot: (SessionRecord | undefined)[] = [];
  /** What all sessions share. */
  readonly #burst = new BurstPlan(CEILING_IPV4_BYTES);
  readonly #common: Pick<
    SessionConfig,
    "local" | "congestion" | "blocks" | "random" | "properties"
  >;
  readonly #configs: (SessionConfig | undefined)[] = [];
  #lastGeneration = 0;

  constructor(config: CoreConfig) {
    this.#config = config;
    const { limits, congestion, primitives } = config;
    this.#common = {
      local: limits,
      congestion,
      blocks: new BlockPool(),
      random: (length) => primitives.randomBytes(length),
      properties: (path) => this.#properties(path),
    };
    this.paths = new PathTable(config.socket, config.groups);
  }

  *records(): Iterable<SessionRecord> {
    for (const pair of this.#pairs.values()) yield* pair.records;
  }

  ofSlot(slot: number): SessionRecord | undefined {
    return this.#bySlot[slot];
  }

  /** A proved session with this key, and with this instance where one is named. */
  find(key: Uint8Array, instance?: Uint8Array): SessionRecord | undefined {
    const name = instance === undefined ? nameOf(key) : pairName(key, instance);
    for (const record of this.records()) {
      if (record.proved && record.peer.pair.startsWith(name)) return record;
    }
    return undefined;
  }

  /** Whether there is a session with this very peer, or was one of late. */
  knows(key: Uint8Array, instance: Uint8Array): boolean {
    return this.#pairs.has(pairName(key, instance));
  }

  /** Whether a completed handshake is with the very peer instance of this session. */
  isPair(record: SessionRecord, { peerKey, peerInstance }: Established): boolean {
    return pairName(peerKey, peerInstance) === record.peer.pair;
  }

  /** The epoch both sides settle on when the peer offers one: never that of a session that is over here. */
  epochFor(key: Uint8Array, instance: Uint8Array, offered: number): number {
    const pair = this.#pairs.get(pairName(key, instance));
    if (pair === undefined) return offered;
    return Math.max(offered, pair.records.length > 0 ? pair.epoch : pair.epoch + 1);
  }

  /** The epoch to offer; the responder's answer may raise it. */
  epochToOffer(key: Uint8Array, instance?: Uint8Array): number {
    if (instance !== undefined) return this.epochFor(key, instance, 0);
    let epoch = 0;
    const prefix = nameOf(key);
    for (const pair of this.#pairs.values()) {
      if (!pair.key.startsWith(prefix)) continue;
      epoch = Math.max(epoch, pair.records.length > 0 ? pair.epoch : pair.epoch + 1);
    }
    return epoch;
  }

  /**
   * A handshake is complete: its keys become a generation of the session of that pair and epoch.
   *
   * @throws {Mp2pError} `MP2P_LIMIT` where there is no room for another session
   */
  adopt(established: Established, from: AnswerPath, now: number): SessionRecord {
    const { address } = from;
    const { peerKey, peerStatic, peerInstance, epoch } = established;
    const pair = this.#pairOf(peerKey, peerInstance);
    let record = pair.records.find((each) => each.epoch === epoch);
    if (record === undefined) {
      record = this.#open(new NamedPeer(pair.key, peerStatic), epoch, address, now);
      pair.records.push(record);
      pair.epoch = Math.max(pair.epoch, epoch);
    }
    this.#addGeneration(record, established, now);
    if (!record.hasPath) {
      const why = established.initiator ? "first to answer" : "the peer dialled us here";
      this.move(record, from, why, now);
    } else record.visit(address);
    record.remember(address);
    return record;
  }

  /** Data of this session takes the path to this address from now on: a handshake proved it. */
  move(record: SessionRecord, { address, rttMs }: AnswerPath, why: string, now: number): void {
    const path = record.visit(address);
    const timed = rttMs === undefined ? {} : { initialRttMs: rttMs };
    record.engine.setPath(path, { ...this.#properties(path), ...timed }, now);
    record.moveTo(path, why);
  }

  /** @returns sessions of the same pair that a newly proved one puts an end to. */
  supersededBy(record: SessionRecord): SessionRecord[] {
    const pair = this.#pairs.get(record.peer.pair);
    return pair?.records.filter((each) => each !== record && each.epoch < record.epoch) ?? [];
  }

  retire(record: SessionRecord, generation: Generation): void {
    if (!record.generations.includes(generation)) return;
    record.generations = record.generations.filter((each) => each !== generation);
    this.#config.socket.removeSend(generation.sendSlot);
    this.#config.socket.removeReceive(generation.receiveSlot);
    this.#bySlot[generation.sendSlot] = undefined;
    this.slots.release(generation.sendSlot);
  }

  end(record: SessionRecord): void {
    if (record.over) return;
    if (!record.closing) this.close(record);
    for (const generation of record.generations) this.retire(record, generation);
    record.end();
  }

  /** The session is closed: its epoch is used up, and a new one of the pair may begin. */
  close(record: SessionRecord): void {
    record.closing = true;
    const pair = this.#pairs.get(record.peer.pair);
    if (pair === undefined) return;
    pair.records = pair.records.filter((each) => each !== record);
    // Moved to the end, as the pair ended last; one that never was proved leaves no trace.
    this.#pairs.delete(pair.key);
    if (record.proved || pair.records.length > 0) this.#pairs.set(pair.key, pair);
    this.#forgetOldPairs();
  }

  #pairOf(key: Uint8Array, instance: Uint8Array): Pair {
    const name = pairName(key, instance);
    let pair = this.#pairs.get(name);
    if (pair === undefined) {
      pair = { key: name, epoch: 0, records: [] };
      this.#pairs.set(name, pair);
    }
    return pair;
  }

  #open(peer: NamedPeer, epoch: number, address: string, now: number): SessionRecord {
    const { identity, instance } = this.#config;
    const ours = concat(identity.key, instance);
    const order = compareBytes(ours, concat(peer.key, peer.instance));
    const config = this.#configOf(order < 0 ? 0 : 1, isIpv6(address));
    const engine = new SessionEngine(config, now, this.#burst);
    return new SessionRecord(engine, peer, epoch, this.paths, now);
  }

  /** One for all sessions that need the same. */
  #configOf(opener: 0 | 1, ipv6: boolean): SessionConfig {
    const index = opener + (ipv6 ? 2 : 0);
    const ceilingBytes = ipv6 ? CEILING_IPV6_BYTES : CEILING_IPV4_BYTES;
    const config = this.#configs[index] ?? { ...this.#common, opener, ceilingBytes };
    this.#configs[index] = config;
    return config;
  }

  #properties(path: number): PathProperties {
    return propertiesOf(this.paths.address(path) ?? "", this.#config.groupBitsPerSecond);
  }

  #addGeneration(record: SessionRecord, established: Established, now: number): void {
    const slot = this.slots.take();
    const { sendKeys, receiveKeys } = established;
    const generation: Generation = {
      id: ++this.#lastGeneration,
      sendSlot: slot,
      receiveSlot: slot,
      sendCid: sendKeys.cid.slice(),
      receiveCid: receiveKeys.cid.slice(),
      suite: established.suite,
      remote: established.peerLimits,
      initiator: established.initiator,
    };
    this.#config.socket.installSend(slot, sendKeys);
    this.#config.socket.installReceive(slot, receiveKeys);
    this.#bySlot[slot] = record;
    record.generations = record.generations.concat(generation);
    record.addExporter(established.exporter);
    record.engine.addGeneration(generation, now);
  }

  #forgetOldPairs(): void {
    if (this.#pairs.size <= ENDED_PAIRS) return;
    for (const [name, pair] of this.#pairs) {
      if (pair.records.length > 0) continue;
      this.#pairs.delete(name);
      return;
    }
  }
}
