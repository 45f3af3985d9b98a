/** What the endpoint knows of one session: its engine, its peer, its slots and its paths. Sans-IO. */
import { Mp2pError } from "../base/errors.ts";
import { isGroup } from "../path/ladder.ts";
import type { Generation, SessionEvent } from "../session/contract.ts";
import type { SessionEngine } from "../session/session.ts";
import type { Timed } from "./deadlines.ts";
import type { PathTable } from "./path-table.ts";
import type { NamedPeer } from "./peer.ts";

/** Addresses a peer may seem to come from at once, besides the one in use. */
const MAX_VISITORS = 8;
/** Addresses at which a peer is looked for: the latest it had, however often it moves. */
const KNOWN_ADDRESSES_MAX = 32;
/** The other side may know a handshake that this one does not, and the other way round. */
const EXPORTERS_KEPT = 4;

/** Events of the engine, and the one end that only the endpoint can see. */
export type RecordEvent =
  | SessionEvent
  | { kind: "closed"; code: number; text: string; by: "restart" };

interface HeldPath {
  readonly address: string;
  readonly path: number;
}

/** Lists here are replaced, not changed: `concat` leaves no spare room, where a push makes it for seventeen. */
export class SessionRecord implements Timed {
  deadline: number = Number.POSITIVE_INFINITY;
  readonly engine: SessionEngine;
  readonly peer: NamedPeer;
  readonly epoch: number;
  readonly openedAt: number;
  /** The peer has proved that it holds its key, so the session may act. */
  proved = false;
  /** Closed for programs; the engine may still answer repeats until its generations are retired. */
  closing = false;
  /** Gone: no slots, no paths. */
  over = false;
  /** Waits for its turn. */
  touched = false;
  /** Takes the engine's events once the session is proved. */
  listener: ((event: RecordEvent) => void) | undefined;
  /** XX message 3, sent before each burst until the peer's first packet arrives. */
  unconfirmedFin: Uint8Array | undefined;
  generations: readonly Generation[] = [];
  /** What only the two ends know of their latest handshakes, 64 bytes each, newest last. */
  exporters: readonly Uint8Array[] = [];
  /** Unicast addresses that answered or were dialled: where to look for a peer that fell silent. */
  knownAddresses: readonly string[] = [];
  /** Why this path, for a person. */
  why = "";
  readonly #paths: PathTable;
  /** Held paths, the oldest first; the one in use is always among them. */
  #held: readonly HeldPath[] = [];
  #path = 0;
  #address = "";

  constructor(
    engine: SessionEngine,
    peer: NamedPeer,
    epoch: number,
    paths: PathTable,
    now: number,
  ) {
    this.engine = engine;
    this.peer = peer;
    this.epoch = epoch;
    this.#paths = paths;
    this.openedAt = now;
  }

  /** The peer's address on the path in use, or on the last one. */
  get address(): string {
    return this.#address;
  }

  get hasPath(): boolean {
    return this.#path !== 0;
  }

  /** The socket's id of the path in use; 0 before there is one. */
  get path(): number {
    return this.#path;
  }

  addExporter(exporter: Uint8Array): void {
    this.exporters = [...this.exporters.slice(1 - EXPORTERS_KEPT), exporter];
  }

  /** Path id of an address packets of this session come from or go to. */
  visit(address: string): number {
    for (const held of this.#held)
      if (held.address === address && this.#paths.isCurrent(held.path)) return held.path;
    if (this.#held.length > MAX_VISITORS) this.#releaseOldestVisitor();
    const path = this.#paths.hold(address);
    this.#held = this.#held.concat({ address, path });
    return path;
  }

  /** @returns undefined where no more paths can be held, or the interface went away meanwhile: network loss */
  tryVisit(address: string): number | undefined {
    try {
      return this.visit(address);
    } catch (error) {
      if (error instanceof Mp2pError) return undefined;
      throw error;
    }
  }

  /** The engine sends on this path from now on. @param why - for a person */
  moveTo(path: number, why: string): void {
    this.#path = path;
    this.why = why;
    this.#address = this.#paths.address(path) ?? this.#address;
    this.remember(this.#address);
  }

  /** The peer may be at this address; groups are not remembered, they follow from its key. */
  remember(address: string): void {
    if (isGroup(address) || this.knownAddresses.includes(address)) return;
    this.knownAddresses = [...this.knownAddresses.slice(1 - KNOWN_ADDRESSES_MAX), address];
  }

  /** Paths to the addresses the peer may have, the likeliest first. */
  unicastPaths(source: string): number[] {
    const addresses = new Set([source, ...this.knownAddresses]);
    return [...addresses].slice(0, MAX_VISITORS / 2).map((address) => this.visit(address));
  }

  end(): void {
    this.over = true;
    for (const { path } of this.#held) this.#paths.release(path);
    this.#held = [];
  }

  #releaseOldestVisitor(): void {
    const oldest = this.#held.find(({ path }) => path !== this.#path);
    if (oldest === undefined) return;
    this.#held = this.#held.filter((each) => each !== oldest);
    this.#paths.release(oldest.path);
  }
}
